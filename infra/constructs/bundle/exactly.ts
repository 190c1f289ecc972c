import { sep } from 'node:path'

/** Matches that path alone: esbuild's filters are regular expressions only. */
export const exactly = (file: string): RegExp =>
  new RegExp(`^${file.split(sep).map(literally).join('[\\\\/]')}$`)

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
