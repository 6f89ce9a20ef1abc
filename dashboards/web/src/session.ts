/** Who is signed in, in this tab. */
import { computed, readonly, ref, type Ref } from 'vue'

const TOKEN = 'faceapi.token'
const USER = 'faceapi.user'
const SCOPE = 'faceapi.scope'
const ADMINISTRATOR = 'administrator'

export class Session {
  private readonly held: Ref<string | null>
  private readonly who: Ref<string>
  private readonly scope: Ref<string>
  private readonly said = ref('')

  constructor(private readonly storage: Storage) {
    this.held = ref(storage.getItem(TOKEN))
    this.who = ref(storage.getItem(USER) ?? '')
    this.scope = ref(storage.getItem(SCOPE) ?? '')
  }

  /** Null: nobody is signed in. */
  get token(): Readonly<Ref<string | null>> {
    return readonly(this.held)
  }

  get user(): Readonly<Ref<string>> {
    return readonly(this.who)
  }

  /** Whether she may change things: what others are refused is not shown to them. */
  get mayChange(): Readonly<Ref<boolean>> {
    return computed(() => this.scope.value === ADMINISTRATOR)
  }

  /** Why one has to sign in again; empty where there is no reason. */
  get notice(): Readonly<Ref<string>> {
    return readonly(this.said)
  }

  begin(user: string, token: string, scope: string): void {
    this.storage.setItem(TOKEN, token)
    this.storage.setItem(USER, user)
    this.storage.setItem(SCOPE, scope)
    this.said.value = ''
    this.who.value = user
    this.scope.value = scope
    this.held.value = token
  }

  end(notice = ''): void {
    this.storage.removeItem(TOKEN)
    this.storage.removeItem(USER)
    this.storage.removeItem(SCOPE)
    this.said.value = notice
    this.held.value = null
  }
}
