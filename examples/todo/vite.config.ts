import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'
import { keepApp } from './keep-app.ts'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), keepApp(new URL('src/app/service-worker.js', import.meta.url))],
  // The packages of this workspace are taken from their sources.
  resolve: { conditions: ['@flushout/source', ...defaultClientConditions] },
  // The development build of React alone is nearly as large as vite likes.
  build: { target: 'es2023', reportCompressedSize: false, chunkSizeWarningLimit: 1_000 },
})
