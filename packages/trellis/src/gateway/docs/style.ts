/** System fonts, two colour schemes, one accent; readable down to 320 px and up to a wall. */
export const STYLE: string = `:root {
  --ground: #fbfbf8; --raised: #ffffff; --sunk: #f1f2ec; --ink: #1c211d; --soft: #57605a; --line: #dfe2d8;
  --accent: #1e6b47; --get: #1a5fa0; --post: #1e6b47; --put: #8a5a00; --patch: #6d4aa8; --delete: #ae3325; --code: #27302a;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121613; --raised: #191e1a; --sunk: #0d100e; --ink: #e6eae4; --soft: #9ea89f; --line: #2c342e;
    --accent: #6ccb98; --get: #7db8f0; --post: #6ccb98; --put: #e2b65c; --patch: #bda2ec; --delete: #f0897b; --code: #d5dcd4;
  }
}
*, ::before, ::after { box-sizing: border-box }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 var(--sans) }
a { color: var(--accent); text-underline-offset: .18em }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
main:focus { outline: none }
code, pre { font-family: var(--mono); font-size: .875em }
h1, h2, h3, h4, p, ul, ol, dl, figure { margin: 0 }
[hidden] { display: none !important }
.skip { position: absolute; left: -100vw; z-index: 3; padding: .5rem 1rem; background: var(--raised) }
.skip:focus { left: .5rem; top: .5rem }
.top { position: sticky; top: 0; z-index: 2; display: flex; align-items: baseline; gap: 1rem; justify-content: space-between; padding: .8rem clamp(1rem, 3vw, 2.5rem); background: var(--ground); border-bottom: 1px solid var(--line) }
h1 { font-size: 1.25rem; letter-spacing: -.01em }
h1 small { margin-left: .35em; color: var(--soft); font-weight: 400; font-size: .8rem }
.columns { display: grid; grid-template-columns: 19rem minmax(0, 1fr) }
.menu { position: sticky; top: 3.6rem; align-self: start; height: calc(100vh - 3.6rem); overflow-y: auto; padding: 1.25rem 1rem 3rem clamp(1rem, 3vw, 2.5rem); border-right: 1px solid var(--line) }
.menu summary { display: none }
.menu h2 { margin: 1.4rem 0 .3rem; font-size: .8rem; letter-spacing: .04em }
.menu h2 a { color: var(--soft); text-decoration: none }
.menu ul { list-style: none; padding: 0 }
.menu li a { display: grid; grid-template-columns: 3.4rem 1fr; gap: .4rem; align-items: baseline; padding: .28rem .5rem; border-radius: 6px; color: var(--ink); text-decoration: none; font-size: .9rem; line-height: 1.35 }
.menu li a:hover, .menu li a[aria-current] { background: var(--sunk) }
.filter label { display: block; margin-bottom: .2rem; color: var(--soft); font-size: .8rem }
.filter input { width: 100%; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); color: inherit; font: inherit }
main { padding: 1.75rem clamp(1rem, 3vw, 2.5rem) 6rem; max-width: 82rem }
.intro { max-width: 62ch }
.intro > p { font-size: 1.1rem; margin-bottom: 1rem }
.about { display: grid; gap: .75rem }
.about div { display: grid; grid-template-columns: 6.5rem 1fr; gap: .75rem }
.about dt { color: var(--soft) } .about dd { margin: 0 }
main > section > h2 { margin: 3.5rem 0 .5rem; font-size: 1.75rem; letter-spacing: -.02em; scroll-margin-top: 4.5rem }
main > section > h2 + p { color: var(--soft); max-width: 62ch }
article { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); gap: .75rem 2.5rem; padding: 2rem 0; border-top: 1px solid var(--line) }
h2 + article, h2 + p + article { border-top: 0 }
article > header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .35rem 1rem; align-items: center }
h3 { flex: 1 0 100%; font-size: 1.2rem; letter-spacing: -.01em }
h3 a { color: inherit; text-decoration: none } h3 a:hover { text-decoration: underline }
h4 { margin: 1.5rem 0 .4rem; font-size: .95rem }
.told > p:first-child, .told > h4:first-child { margin-top: 0 }
.told > p { max-width: 62ch; margin-bottom: .6rem }
.method { font: 600 .72rem/1.4 var(--mono); letter-spacing: .02em }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .patch { color: var(--patch) } .delete { color: var(--delete) }
.route { font-size: 1rem } .route .method { font-size: .85rem; margin-right: .3rem }
.route code { overflow-wrap: anywhere }
.notes { display: flex; flex-wrap: wrap; gap: .4rem }
.note { display: inline-block; padding: .02rem .5rem; border: 1px solid var(--line); border-radius: 99px; color: var(--soft); font-size: .78rem; white-space: nowrap }
.note.old { border-color: var(--delete); color: var(--delete) }
.fields, .answers { list-style: none; padding: 0 }
.fields > li { padding: .55rem 0; border-top: 1px solid var(--line) }
.fields > li:first-child { border-top: 0 }
.fields .fields { margin: .35rem 0 0 .1rem; padding-left: .9rem; border-left: 2px solid var(--line) }
.field { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline }
.name { font-weight: 600; color: var(--code); overflow-wrap: anywhere }
.type { color: var(--soft); font-size: .875rem }
.required { color: var(--accent); font-size: .8rem }
.fields p { font-size: .925rem; max-width: 58ch }
.values code { padding: .05rem .35rem; border-radius: 4px; background: var(--sunk) }
.variants { padding-left: 1.2rem }
details > summary { cursor: pointer; color: var(--soft); font-size: .85rem; padding: .2rem 0; width: fit-content }
.answers > li { display: grid; grid-template-columns: 3rem 1fr; gap: .5rem; padding: .3rem 0; font-size: .925rem }
.answers .answers, .answers ul:not(.fields) { padding-left: 1.1rem }
.status { font: 600 .875rem/1.6 var(--mono) }
.good .status { color: var(--accent) } .bad .status { color: var(--delete) }
.shown { display: grid; gap: 1rem; align-content: start; min-width: 0; position: sticky; top: 4.5rem; align-self: start }
figure { position: relative; min-width: 0; border: 1px solid var(--line); border-radius: 8px; background: var(--sunk); overflow: hidden }
figcaption { padding: .45rem .9rem; color: var(--soft); font-size: .8rem; border-bottom: 1px solid var(--line) }
pre { margin: 0; padding: .8rem .9rem; overflow: auto; max-height: 26rem; color: var(--code); line-height: 1.5; tab-size: 2 }
figure button { position: absolute; top: .3rem; right: .4rem; padding: .15rem .6rem; border: 1px solid var(--line); border-radius: 5px; background: var(--raised); color: var(--soft); font: inherit; font-size: .78rem; cursor: pointer }
figure button:hover { color: var(--ink) }
.none { margin-top: 3rem; color: var(--soft) }
@media (max-width: 80rem) { article { grid-template-columns: minmax(0, 1fr) } .shown { position: static } }
@media (max-width: 60rem) {
  .columns { grid-template-columns: minmax(0, 1fr) }
  .menu { position: static; height: auto; padding: .6rem clamp(1rem, 3vw, 2.5rem); border-right: 0; border-bottom: 1px solid var(--line) }
  .menu summary { display: list-item; font-size: 1rem; color: var(--ink); padding: .5rem 0 }
  .menu li a { padding: .55rem .3rem }
  .about div { grid-template-columns: 1fr; gap: 0 }
}
@media print { .menu, .top, figure button { display: none } .columns { display: block } }
`
