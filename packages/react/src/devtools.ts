// A panel to see what clients do. Nothing of it is in an application that does not import it.
export { FlushoutDevtools, type FlushoutDevtoolsProps } from './devtools/flushout-devtools.tsx'
