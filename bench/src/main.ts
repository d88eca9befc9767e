// `npm run bench` runs all, `npm run bench -- client` one of them.
const benchmarks = ['client', 'undo', 'server', 'past', 'day', 'observe']

const [name] = process.argv.slice(2)
if (name !== undefined && !benchmarks.includes(name)) {
  console.error(`There is no benchmark "${name}"; there are ${benchmarks.join(' and ')}.`)
  process.exit(1)
}
for (const one of name ? [name] : benchmarks) {
  console.log(`\n# ${one}\n`)
  await import(`./${one}.ts`)
}
