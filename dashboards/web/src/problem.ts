/** Errors as the service words them: problem details, RFC 9457. */

export interface Flaw {
  where: string
  problem: string
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly errors: readonly Flaw[] = [],
    readonly requestId: string | null = null,
    /** Milliseconds after which to try again, where the service says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail)
  }
}

/** What an answer that is no success says. */
export async function problemOf(response: Response): Promise<Problem> {
  const body = await said(response)
  const detail = text(body.detail) ?? text(body.title) ?? `The service answered ${response.status}.`
  const flaws = Array.isArray(body.errors) ? body.errors.filter(isFlaw) : []
  const id = text(body.request_id) ?? response.headers.get('X-Request-ID')
  const seconds = Number(response.headers.get('Retry-After') ?? NaN)
  const wait = Number.isFinite(seconds) ? 1000 * seconds : null
  return new Problem(response.status, detail, flaws, id, wait)
}

/** Any error in lines for a person, the most important first. */
export function linesOf(error: unknown): string[] {
  if (error instanceof Problem) {
    if (error.errors.length > 0) return error.errors.map((one) => `${field(one)}: ${one.problem}`)
    return [error.message]
  }
  // fetch throws TypeError, and nothing more exact, when nobody answers.
  if (error instanceof TypeError) return ['The service cannot be reached. Is it running?']
  return [error instanceof Error ? error.message : String(error)]
}

function field(flaw: Flaw): string {
  return flaw.where.replace(/^(body|query|path)\./, '')
}

async function said(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json()
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    return {} // a proxy in between answers with HTML
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function isFlaw(value: unknown): value is Flaw {
  const flaw = value as Partial<Flaw> | null
  return typeof flaw?.where === 'string' && typeof flaw.problem === 'string'
}
