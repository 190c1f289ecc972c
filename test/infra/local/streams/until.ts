/** Repeats a check until it passes, at most `ms`; then its last failure is the test's. */
export const until = async (check: () => Promise<void> | void, ms = 15_000): Promise<void> => {
  const deadline = Date.now() + ms
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
