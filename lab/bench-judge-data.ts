// What git says in the benchmark of validate and plan: a fleet of one hundred teams whose routes are as people write them. Most say where they
// go, some say more; all of it is valid, and the same at every call.
import { type Files, fleetFiles, originName } from './bench-edge-fleet.ts';

const FLEET = { prefix: '10.100', teams: 100, origins: 50 };
const WORDS = ['app', 'wiki', 'api', 'shop', 'status', 'mail', 'git', 'docs', 'chat', 'files', 'photos', 'metrics'];
/** Of how many routes one says this much more. */
const EVERY = { comment: 5, paths: 10, limits: 20, allow: 25, login: 50, backends: 50 } as const;

/** Path in the repository → text: kokoa.yaml, the nodes and `routes` routes. */
export function judgedFiles(routes: number): Files {
  const files = Array.from({ length: routes }, (_, index) => [judgedPath(index), judgedRoute(index)] as const);
  return { ...fleetFiles(FLEET), ...Object.fromEntries(files) };
}

/** Where the route at `index` stands. */
export function judgedPath(index: number): string {
  return `routes/${teamOf(index)}/${nameOf(index)}.yaml`;
}

/** `moved`: it leads to another port. */
export function judgedRoute(index: number, moved = 0): string {
  const many = index % EVERY.backends === 7;
  const parts = [
    '# yaml-language-server: $schema=../../schemas/route.schema.json\n',
    index % EVERY.comment === 0 ? `# Asked for by ${teamOf(index)}; the service runs in rack ${index % 40}.\n` : '',
    `hostname: ${nameOf(index)}\n`,
    many ? backends(index, moved) : `origin: ${origin(index)}\nport: ${8000 + (index % 900) + moved}\n`,
    index % EVERY.limits === 1 ? limits(index) : '',
    index % EVERY.allow === 2 ? `allow:\n  - 198.51.100.0/24\n  - 203.0.113.${index % 50}\n` : '',
    index % EVERY.login === 3 ? 'auth:\n  basic:\n    users:\n      file: users\n' : '',
    index % EVERY.paths === 0 ? paths(index) : '',
  ];
  return parts.join('');
}

function limits(index: number): string {
  const rate = 10 * (1 + (index % 7));
  return `limits:\n  maxBody: ${rate}m\n  requestsPerSecond: ${rate}\n  burst: ${2 * rate}\n`;
}

function backends(index: number, moved: number): string {
  const one = `  - origin: ${origin(index)}\n    port: ${9000 + (index % 90) + moved}\n`;
  return `backends:\n${one}  - origin: ${origin(index + 1)}\n    port: 9000\n    backup: true\n`;
}

function paths(index: number): string {
  return `paths:
  - prefix: /api
    origin: ${origin(index + 1)}
    port: ${7000 + (index % 100)}
    stripPrefix: true
  - prefix: /admin
    allow: [198.51.100.0/24]
`;
}

function nameOf(index: number): string {
  return `${WORDS[index % WORDS.length]}-${index}.${teamOf(index)}.example.net`;
}

function teamOf(index: number): string {
  return `team-${Math.floor(index / WORDS.length) % FLEET.teams}`;
}

function origin(index: number): string {
  return originName(index % FLEET.origins);
}
