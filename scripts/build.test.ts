import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtPackages, retargetUrls } from './build.ts'

test('the file of a worker is named as it is compiled', () => {
  assert.equal(
    retargetUrls(`new Worker(new URL('./worker.ts', import.meta.url)); import.meta.resolve("../a/b.ts")`),
    `new Worker(new URL('./worker.js', import.meta.url)); import.meta.resolve("../a/b.js")`,
  )
})

test('other texts that end in .ts stay', () => {
  const text = `const name = './worker.ts'; new URL('https://x.example/a.ts'); new URL('./data.json', import.meta.url)`
  assert.equal(retargetUrls(text), text)
})

test('a package is built after those it depends on', () => {
  const names = builtPackages().map(({ manifest }) => manifest.name)
  for (const { manifest } of builtPackages()) {
    for (const needed of Object.keys(manifest.dependencies ?? {})) {
      if (names.includes(needed))
        assert.ok(names.indexOf(needed) < names.indexOf(manifest.name), `${needed} before ${manifest.name}`)
    }
  }
})
