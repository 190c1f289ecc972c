/** An element's text, its elements, or the same element several times. */
export type Elements = { readonly [name: string]: string | Elements | readonly Elements[] }

/** A document, as the AWS services that answer in XML write it. @param namespace default none */
export const xml = (root: string, elements: Elements, namespace?: string): string =>
  `<${root}${namespace === undefined ? '' : ` xmlns="${namespace}"`}>${inner(elements)}</${root}>`

const inner = (elements: Elements): string =>
  Object.entries(elements)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => element(name, one)))
    .join('')

const element = (name: string, value: string | Elements): string =>
  `<${name}>${typeof value === 'string' ? escaped(value) : inner(value)}</${name}>`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;')
