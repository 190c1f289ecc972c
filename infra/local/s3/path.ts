/** `/bucket/key/with/slashes`, each part as a URL has it. */
export const decodedPath = (path: string): { readonly bucket: string; readonly key: string } => {
  const [, bucket = '', ...key] = path.split('/')
  return { bucket: decodeURIComponent(bucket), key: key.map(decodeURIComponent).join('/') }
}
