import type { Principal } from '../accounts/principal.ts';
import type { Actor } from './source.ts';

/** Who made a change, as it is stored with the change. */
export const actorOf = ({ tokenId, description, user }: Principal): Actor => ({
  type: 'user',
  tokenId,
  tokenDesc: description,
  ...(user !== undefined && { userId: user.id, userName: user.name }),
});
