// `backends`: who answers, and who only when all others fail.
import type { Backend } from '../../../schemas/types.ts';
import { block, type FieldPlace, type FieldProblem, listOf, refuse, saidBySchema } from './field.ts';
import { host } from './host.ts';

const backend = block<Backend>({
  // Whether there is such an origin is asked with all the other targets of the route.
  origin: saidBySchema,
  port: saidBySchema,
  host,
  weight: saidBySchema,
  backup: saidBySchema,
});

export const backends = listOf<Backend>(backend, (list, place) => [
  ...judgeRepetition(list, place),
  ...judgeBackups(list, place),
]);

function judgeBackups(list: readonly Backend[], place: FieldPlace): FieldProblem[] {
  if (!list.every(({ backup }) => backup === true)) return [];
  const message = 'found only backups, expected one or more backends that are asked first';
  return [refuse(place, 'KK313', message, 'delete backup: true where it should be asked first')];
}

function judgeRepetition(list: readonly Backend[], place: FieldPlace): FieldProblem[] {
  const seen = new Map<string, number>();
  return list.flatMap(({ origin, host: lan, port }, index) => {
    const key = `${origin} ${lan ?? ''} ${port}`;
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, index);
      return [];
    }
    const message = `found entry ${index + 1} leading where entry ${before + 1} leads, expected different ones`;
    return [refuse(place, 'KK118', message, 'delete one of them; weight says how much one gets', `/${index}`)];
  });
}
