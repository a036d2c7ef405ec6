// How many bytes of webhooks may be on their way at once. Law: a body is read before anybody knows who sent it, so strangers must not be able
// to fill the memory with them; small ones have room of their own, so that large ones keep no push away.

/** Pushes are of a few kilobytes, 2 048 commits are a megabyte or two. */
const SMALL_BYTES = 64 * 1024;
const MIB = 1024 * 1024;
const ROOM_BYTES = { small: 64 * MIB, large: 100 * MIB } as const;

export interface WebhookRoom {
  /** Takes room for a body of so many bytes; undefined: there is none now. The answered function gives it back, once. */
  take(bytes: number): (() => void) | undefined;
}

export function createWebhookRoom(): WebhookRoom {
  const taken = { small: 0, large: 0 };
  return {
    take(bytes) {
      const lane = bytes <= SMALL_BYTES ? 'small' : 'large';
      if (taken[lane] + bytes > ROOM_BYTES[lane]) return undefined;
      taken[lane] += bytes;
      return () => {
        taken[lane] -= bytes;
      };
    },
  };
}
