/** The pages and their addresses, behind #: the service answers only / with the page. */
import { createRouter, createWebHashHistory, type Router } from 'vue-router'

import CamerasPage from './pages/CamerasPage.vue'
import LivePage from './pages/LivePage.vue'
import PeoplePage from './pages/PeoplePage.vue'
import PublishPage from './pages/PublishPage.vue'
import SignInPage from './pages/SignInPage.vue'
import type { Session } from './session'

export function createPages(session: Session): Router {
  const router = createRouter({
    history: createWebHashHistory(),
    routes: [
      { path: '/sign-in', name: 'sign-in', component: SignInPage },
      { path: '/live/:camera?', name: 'live', component: LivePage, props: true },
      { path: '/people/:person?', name: 'people', component: PeoplePage, props: true },
      { path: '/cameras', name: 'cameras', component: CamerasPage },
      { path: '/publish/:camera?', name: 'publish', component: PublishPage, props: true },
      { path: '/:rest(.*)*', redirect: { name: 'live' } },
    ],
  })
  router.beforeEach((to) => {
    if (session.token.value !== null || to.name === 'sign-in') return true
    return { name: 'sign-in', query: { to: to.fullPath } }
  })
  return router
}
