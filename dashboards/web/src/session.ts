/** Who is signed in, in this tab. */
import { readonly, ref, type Ref } from 'vue'

const TOKEN = 'faceapi.token'
const USER = 'faceapi.user'

export class Session {
  private readonly held: Ref<string | null>
  private readonly who: Ref<string>
  private readonly said = ref('')

  constructor(private readonly storage: Storage) {
    this.held = ref(storage.getItem(TOKEN))
    this.who = ref(storage.getItem(USER) ?? '')
  }

  /** Null: nobody is signed in. */
  get token(): Readonly<Ref<string | null>> {
    return readonly(this.held)
  }

  get user(): Readonly<Ref<string>> {
    return readonly(this.who)
  }

  /** Why one has to sign in again; empty where there is no reason. */
  get notice(): Readonly<Ref<string>> {
    return readonly(this.said)
  }

  begin(user: string, token: string): void {
    this.storage.setItem(TOKEN, token)
    this.storage.setItem(USER, user)
    this.said.value = ''
    this.who.value = user
    this.held.value = token
  }

  end(notice = ''): void {
    this.storage.removeItem(TOKEN)
    this.storage.removeItem(USER)
    this.said.value = notice
    this.held.value = null
  }
}
