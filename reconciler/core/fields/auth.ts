// `auth`: who may come in. A secret is only ever named or sealed, and nothing of it is repeated in a message.
import type { Auth, BasicAuth, ForwardAuth, SecretReference } from '../../../schemas/types.ts';
import {
  block,
  type FieldPlace,
  type FieldProblem,
  listOf,
  meantOr,
  one,
  refuse,
  saidBySchema,
  shown,
} from './field.ts';
import { headerName } from './headers.ts';
import { host } from './host.ts';

/** https://age-encryption.org/v1: the first line of every encrypted file. */
const AGE_FIRST_LINE = 'age-encryption.org/v1\n';

const users = block<SecretReference>({
  sealed: one(judgeSealed),
  file: saidBySchema,
  credential: saidBySchema,
  env: one((_, place) => {
    if (place.team?.includes('--')) {
      const message = `found env, expected sealed, file or credential: team ${place.team} has no variables of its own`;
      return [refuse(place, 'KK348', message, 'seal the secret with kokoa seal, or ask an operator for a file')];
    }
    const message =
      'found env, expected sealed, file or credential: other processes of the machine can see an environment';
    return [
      { ...refuse(place, 'KK334', message, 'it works as it stands; prefer one of the others'), severity: 'warning' },
    ];
  }),
});

const forward = block<ForwardAuth>({
  // Whether there is such an origin is asked with all the other targets of the route.
  origin: saidBySchema,
  port: saidBySchema,
  host,
  path: one(judgeUrlPath),
  signIn: one(judgeUrlPath),
  identityHeaders: listOf(headerName('identity'), (names, place) =>
    names.flatMap((name, index) => {
      const first = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
      if (first === index) return [];
      const message = `found entry ${index + 1} equal to entry ${first + 1}, expected different ones`;
      return [refuse(place, 'KK118', message, 'delete one of them; case makes no difference', `/${index}`)];
    }),
  ),
});

export const auth = block<Auth>({ basic: block<BasicAuth>({ users }), forward });

function judgeSealed(text: string, place: FieldPlace): FieldProblem[] {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text && bytes.subarray(0, AGE_FIRST_LINE.length).toString() === AGE_FIRST_LINE)
    return [];
  const message = `found text of ${text.length} characters that nobody sealed, expected what kokoa seal printed`;
  return [refuse(place, 'KK331', message, 'run kokoa seal, and paste all of what it prints')];
}

/** One spelling of a path: what the edge asks is what stands here. */
function judgeUrlPath(typed: string, place: FieldPlace): FieldProblem[] {
  const parts = typed.slice(1).split('/');
  if (!parts.some((part, index) => part === '.' || part === '..' || (part === '' && index < parts.length - 1)))
    return [];
  const near = new URL(`http://edge${typed.replaceAll(/\/{2,}/g, '/')}`).pathname;
  const message = `found ${shown(typed)}, expected a path without empty parts and dots`;
  return [refuse(place, 'KK115', message, meantOr(near, 'write the path as the service knows it'))];
}
