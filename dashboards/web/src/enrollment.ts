/** Enroll images as somebody, who is made first where nobody has this name. */
import type { Client } from './client'
import type { Person, Verdict } from './rest'

export interface Enrolled {
  person: Person
  /** The person was deleted again: every image was refused. */
  withdrawn: boolean
  verdicts: readonly Verdict[]
}

export async function enroll(
  client: Client,
  name: string,
  images: readonly File[],
): Promise<Enrolled> {
  const existing = await named(client, name)
  if (existing !== null) {
    const verdicts = await client.enroll(existing.id, images)
    return { person: existing, withdrawn: false, verdicts }
  }
  return enrollNew(client, await client.addPerson(name), images)
}

async function enrollNew(
  client: Client,
  person: Person,
  images: readonly File[],
): Promise<Enrolled> {
  let taken = false
  try {
    const verdicts = await client.enroll(person.id, images)
    taken = verdicts.some((verdict) => verdict.outcome === 'enrolled')
    return { person, withdrawn: !taken, verdicts }
  } finally {
    if (!taken) await client.removePerson(person.id)
  }
}

async function named(client: Client, name: string): Promise<Person | null> {
  const wanted = plain(name)
  let after: string | null = null
  do {
    const page = await client.people(name.trim(), after, 200)
    const found = page.items.find((person) => plain(person.name) === wanted)
    if (found !== undefined) return found
    after = page.next
  } while (after !== null)
  return null
}

function plain(name: string): string {
  return name.trim().toLocaleLowerCase()
}
