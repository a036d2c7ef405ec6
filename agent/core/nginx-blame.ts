// Whom `nginx -t` means: its words name a file and a line, and the rendered tree says whose that line is. Law: a guess from text that is
// only ever used to leave parts out; whether that helps is tested again, so a wrong guess costs a test.

type Tree = ReadonlyMap<string, string>;

/** Hosts and public ports that the words point at, sorted; none when they point at nobody. `files`: the tree that was tested. */
export function blamedParts(said: string, files: Tree): string[] {
  const found = new Set<string>();
  for (const line of said.split('\n').filter((each) => each.includes('[emerg]'))) {
    const place = /\/releases\/[^/\s]+\/([A-Za-z0-9._-]+):([0-9]{1,9})\b/.exec(line);
    const authority = /\/releases\/[^/\s]+\/(ca-[0-9a-f]{32}\.pem)\b/.exec(line);
    if (place) for (const part of partsAt(place[1]!, Number(place[2]), files)) found.add(part);
    if (authority) for (const part of partsTrusting(authority[1]!, files)) found.add(part);
  }
  return [...found].sort();
}

/** True when the words are about this machine (errno(3)), so that the same tree may pass later. */
export function isMachineTrouble(said: string): boolean {
  return /\[emerg\].*failed \((?:1|5|12|13|16|23|24|28|30|98|99|122): /.test(said);
}

function partsAt(file: string, line: number, files: Tree): string[] {
  const lines = (files.get(file) ?? '').split('\n');
  const text = lines[line - 1];
  if (text === undefined) return [];
  if (file.startsWith('names-')) return [text.trim()].filter((name) => name.includes('.'));
  if (file.endsWith('.map')) return hostsOfRow(file, text, files);
  return partsOfBlock(blockAt(lines, line - 1), files);
}

/** The lines of the block around a line that begins with `server`, `upstream` or `geo`; the innermost. */
function blockAt(lines: readonly string[], at: number): string[] {
  for (let start = at; start >= 0; start -= 1) {
    const opening = /^( *)(?:server|upstream|geo)\b.*\{$/.exec(lines[start]!);
    if (!opening) continue;
    const end = lines.indexOf(`${opening[1]}}`, start);
    if (end >= at) return lines.slice(start, end + 1);
  }
  return [];
}

function partsOfBlock(block: readonly string[], files: Tree): string[] {
  const text = block.join('\n');
  const policyClass = /^ *server_name ([A-Za-z0-9._-]+)\.invalid;$/m.exec(text)?.[1];
  if (policyClass !== undefined) return hostsOfClass(policyClass, files);
  const named = /^ *(?:upstream|geo) (?:\$kokoa_in_)?([A-Za-z0-9._-]+) \{/.exec(text)?.[1];
  if (named !== undefined) return [...hostsWithWord(named, files), ...portsWith(`proxy_pass ${named};`, files)];
  return /^ *server \{/.test(text) ? portsOf(text) : [];
}

/** Classes whose servers verify by this file. */
function partsTrusting(authority: string, files: Tree): string[] {
  const servers = (files.get('classes.conf') ?? '').split(/^(?=server \{$)/m);
  const ids = servers
    .filter((text) => text.includes(`/${authority};`))
    .flatMap((text) => /server_name ([A-Za-z0-9._-]+)\.invalid;/.exec(text)?.[1] ?? []);
  return ids.flatMap((id) => hostsOfClass(id, files));
}

function hostsOfClass(id: string, files: Tree): string[] {
  const [, ...names] = (files.get(`names-${id}.conf`) ?? '').split('\n');
  return names.filter((name) => name.includes('.'));
}

/** Rows whose word is this name, or this name and a path. */
function hostsWithWord(word: string, files: Tree): string[] {
  return [...files].flatMap(([file, text]) =>
    file.endsWith('.map')
      ? text.split('\n').flatMap((row) => {
          const found = row.slice(row.indexOf(' ') + 1);
          return found === `${word};` || found.startsWith(`${word}/`) ? hostsOfRow(file, row, files) : [];
        })
      : [],
  );
}

function hostsOfRow(file: string, row: string, files: Tree): string[] {
  const key = row.slice(0, Math.max(0, row.indexOf(' ')));
  if (!key.includes('.')) return [];
  if (/^(?:tls-)?wildcard/.test(file)) return [`*.${key}`];
  if (key.startsWith('tls.')) {
    return ['tls-hosts.map', 'tls-wildcards.map'].flatMap((names) =>
      (files.get(names) ?? '').split('\n').flatMap((other) => {
        return other.endsWith(` ${key};`) ? hostsOfRow(names, other, files) : [];
      }),
    );
  }
  const [name] = key.split('/');
  return [name!.startsWith('_.') ? `*.${name!.slice(2)}` : name!];
}

/** Public ports whose server holds this statement. */
function portsWith(statement: string, files: Tree): string[] {
  const servers = (files.get('streams.conf') ?? '').split(/^(?= {4}server \{$)/m);
  return servers.filter((text) => text.includes(statement)).flatMap(portsOf);
}

function portsOf(server: string): string[] {
  const listens = server.matchAll(/^ *listen [^ ;]+:([0-9]+)( udp)?/gm);
  return Array.from(listens, ([, port, udp]) => `${udp ? 'udp' : 'tcp'} ${port}`);
}
