import type { BrowserViewers } from './browser-viewers.ts';
import type { LiveMount } from './channels-view.ts';

/** Where browsers watch: `GET /watch`, as WebSocket where they ask for an upgrade, else as server-sent events. */
const watchPath = '/watch';

export function browserMount(viewers: BrowserViewers): LiveMount {
  return {
    serve: (request, response) => {
      if (request.method !== 'GET' || pathOf(request.url) !== watchPath) return false;
      viewers.handleSse(request, response);
      return true;
    },
    upgrade: (request, socket, head) => {
      if (pathOf(request.url) !== watchPath) return false;
      viewers.handleUpgrade(request, socket, head);
      return true;
    },
  };
}

const pathOf = (url = ''): string => url.split('?', 1)[0] ?? '';
