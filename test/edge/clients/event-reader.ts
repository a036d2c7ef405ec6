// A visitor of an event stream (WHATWG HTML, server-sent events): one event after the other, as they come.
import type { Head } from './answer-reader.ts';
import type { Door } from './door.ts';
import { type Ask, connectRaw, requestHead } from './raw-visit.ts';

export interface EventReader {
  head: Head;
  /** The data of the next event; undefined at the end of the stream. */
  next(): Promise<string | undefined>;
  end(): void;
}

/** Resolves with the head of the answer. */
export async function openEvents(door: Door, ask: Ask): Promise<EventReader> {
  const connection = await connectRaw(door, ask);
  connection.write(requestHead({ ...ask, headers: { Accept: 'text/event-stream' } }));
  const head = await connection.reader.head();
  const pieces = connection.reader.pieces(head);
  let text = '';
  return {
    head,
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const event = text.slice(0, end);
          text = text.slice(end + 2);
          return event.replace(/^data: ?/gm, '');
        }
        const { done, value } = await pieces.next();
        if (done) return undefined;
        text += String(value);
      }
    },
    end: () => connection.end(),
  };
}
