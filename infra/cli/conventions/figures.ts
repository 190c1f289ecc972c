/** `1234567` becomes `1,234,567`, for people. */
export const grouped = (n: number): string => GROUPED.format(n)

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A rate: slow ones with a decimal, others without. */
export const rateOf = (n: number, seconds: number): string => {
  const rate = n / Math.max(seconds, 0.001)
  return `${rate > 0 && rate < 10 ? rate.toFixed(1) : grouped(rate)}/s`
}

/** How long something takes: `45 s`, `2 m 10 s`, `3 h 5 m`, `2 d 4 h`. Rounded up: what is left is never nothing. */
export const duration = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${whole % 60} s`
  const minutes = Math.ceil(whole / 60)
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`
  const hours = Math.ceil(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `9,876 bytes`, `12.3 MB`: decimal, as AWS counts. */
export const bytes = (n: number): string => {
  if (n < 10_000) return `${grouped(n)} bytes`
  const unit = n < 1e6 ? ({ size: 1e3, name: 'KB' } as const) : n < 1e9 ? MEGA : n < 1e12 ? GIGA : TERA
  return `${(n / unit.size).toFixed(1)} ${unit.name}`
}

const MEGA = { size: 1e6, name: 'MB' }
const GIGA = { size: 1e9, name: 'GB' }
const TERA = { size: 1e12, name: 'TB' }
