import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  // The packages of this workspace are taken from their sources.
  resolve: { conditions: ['@flushout/source', ...defaultClientConditions] },
  build: { target: 'es2023', reportCompressedSize: false },
})
