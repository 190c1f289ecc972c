import { split } from '@verycrazydog/mysql-parser'
import { type Scanned, type Span, SqlTextError, scan } from './scan.ts'

/** Where something stands in a file, both from 1 on, in lines and in characters. */
export type TextPlace = { readonly line: number; readonly column: number }

/** One statement of a file: what is sent, without the comments, and where it begins. */
export type SplitStatement = TextPlace & { readonly text: string }

/**
 * Divides a text into its statements. The library does it, on a text in which nothing can mislead it, and what it finds has to be what
 * reading it sign by sign has found.
 *
 * @throws SqlTextError
 */
export const splitStatements = (text: string): SplitStatement[] => {
  const scanned = scan(text)
  const pieces = split(scanned.masked)
  return scanned.statements.map((span, at) => {
    const masked = scanned.masked.slice(span.from, span.to)
    const begin = span.from + masked.search(/\S/)
    if (pieces[at] !== masked.trim() || pieces.length !== scanned.statements.length)
      throw new SqlTextError(
        'it can be read in two ways where this statement ends: give it a DELIMITER',
        begin,
      )
    if (span.delimiter === ';' && isCutOff(masked))
      throw new SqlTextError(
        'the body that begins here holds statements of its own: put DELIMITER $$ before it, $$ behind its END, and DELIMITER ; after that',
        begin,
      )
    return { ...placeAt(text, begin), text: withoutComments(text, span, scanned) }
  })
}

/** @param at in characters from the beginning of the text */
export const placeAt = (text: string, at: number): TextPlace => {
  const before = text.slice(0, at)
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
}

/** A comment parts what stands on both sides of it, as a blank does. */
const withoutComments = (text: string, { from, to }: Span, { comments }: Scanned): string => {
  let [kept, at] = ['', from]
  for (const comment of comments) {
    if (comment.from < from || comment.to > to) continue
    kept += text.slice(at, comment.from)
    at = comment.to
    if (/\S$/.test(kept) && /^\S/.test(text.slice(at, to))) kept += ' '
  }
  return (kept + text.slice(at, to)).trim()
}

const PROGRAM =
  /^CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+(?:\s*@\s*\S+|\s*\(\s*\))?\s+)?(?:AGGREGATE\s+)?(?:TRIGGER|PROCEDURE|FUNCTION|EVENT)\b/i
const CLOSES = /\bEND\b(?:\s+(?:IF|CASE|LOOP|WHILE|REPEAT)\b)?/gi

/** Whether a trigger, routine or event ends before the blocks that it opens do. */
const isCutOff = (masked: string): boolean => {
  if (!PROGRAM.test(masked.trim())) return false
  const open = masked.replaceAll(CLOSES, '')
  const count = (word: RegExp): number => [...open.matchAll(word)].length
  const ends = [...masked.matchAll(CLOSES)].length
  const blocks = count(/\b(?:BEGIN|CASE|LOOP|WHILE)\b/gi) + count(/\bREPEAT\b(?!\s*\()/gi)
  // Of each THEN that belongs to no WHEN and no ELSEIF there is an IF.
  const ifs = count(/\bTHEN\b/gi) - count(/\b(?:WHEN|ELSEIF)\b/gi)
  return blocks + ifs > ends
}
