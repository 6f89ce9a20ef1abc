/** How long to wait before the next attempt: doubled each time, a part of it by chance. */
export class Backoff {
  private attempts = 0

  constructor(
    private readonly first = 500,
    private readonly longest = 10_000,
    private readonly chance: () => number = Math.random,
  ) {}

  /** Milliseconds. */
  next(): number {
    const full = Math.min(this.longest, this.first * 2 ** this.attempts)
    this.attempts += 1
    return full * (0.5 + this.chance() / 2)
  }

  reset(): void {
    this.attempts = 0
  }
}
