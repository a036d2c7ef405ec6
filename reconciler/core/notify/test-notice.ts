// The message with which a person tries a channel. Law: whoever reads it, on a phone or in a program, sees that it is a test and that nothing is
// wrong.
import type { Notice } from './event.ts';

/** `id`: 32 hexadecimal digits, new for each. */
export function testNotice(channel: string, id: string, at: Date): Notice {
  return {
    id,
    event: {
      ...{ kind: 'test', subject: channel, at: at.toISOString(), state: 'told' },
      title: 'this is a test, nothing is wrong',
      reason: 'somebody ran kokoa notify test, to see whether messages arrive on this channel',
      todo: 'nothing',
    },
  };
}
