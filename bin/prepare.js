// Makes a bare clone ready to run, and does nothing when it already is. Plain JavaScript, because it runs
// before `npm ci`, under whatever Node the machine has.
//   node bin/prepare.js              the npm packages, when package-lock.json changed and nobody ran `npm ci` since
//   node bin/prepare.js --packages   also the Debian packages of the lab, when root on Debian and something is missing
//   … --packages --bench             also the web servers that the benchmarks compare with, and what measures them
//   … --packages --slow              also what the long sweeps inject faults with, and a resolver
//   … --packages --pictures          also the browser that draws the pictures of the documents, and its letters
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const marker = join(top, 'node_modules', '.kokoa-lock-sha256');

/** Debian package → a program it brings, or a file. */
const LAB_PACKAGES = {
  iproute2: 'ip',
  'iputils-ping': 'ping',
  nftables: 'nft',
  'wireguard-go': 'wireguard-go',
  'wireguard-tools': 'wg',
  'nginx-light': 'nginx',
  'libnginx-mod-stream': '/usr/lib/nginx/modules/ngx_stream_module.so',
  certbot: 'certbot',
  pebble: 'pebble',
  knot: 'knotd',
  'bind9-dnsutils': 'nsupdate',
  openssl: 'openssl',
  curl: 'curl',
  faketime: 'faketime',
  systemd: 'systemd-analyze',
  prometheus: 'promtool',
};
const BENCH_PACKAGES = { wrk: 'wrk', haproxy: 'haproxy', caddy: 'caddy', patchelf: 'patchelf' };
const SLOW_PACKAGES = { strace: 'strace', unbound: 'unbound' };
const PICTURE_PACKAGES = {
  chromium: 'chromium',
  'fonts-liberation': '/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf',
};

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.status === 0) return;
  console.error(`${command} ${args.join(' ')}: exit ${result.status ?? result.error?.message}`);
  process.exit(1);
}

function installNodePackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(top, 'package-lock.json')))
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lock) return;
  if (isInstalled()) {
    writeFileSync(marker, lock);
    return;
  }
  console.error('installing the npm packages (once per change of package-lock.json)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  if (!hasNode24()) {
    console.error(
      'the "node" package did not install Node 24. Is ignore-scripts set? Run: npm ci --ignore-scripts=false',
    );
    process.exit(1);
  }
  writeFileSync(marker, lock);
}

/** As somebody's own `npm ci` leaves it. npm writes its record last, so a run that was cut off has none. */
function isInstalled() {
  const record = join(top, 'node_modules', '.package-lock.json');
  if (!existsSync(record) || !hasNode24()) return false;
  const there = packagesIn(record);
  const { '': _, ...wanted } = packagesIn(join(top, 'package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => there[path]?.version === version || (optional && there[path] === undefined),
  );
}

function packagesIn(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

function hasNode24() {
  const node = spawnSync(join(top, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' });
  return /^v(2[4-9]|[3-9]\d)\./.test(node.stdout ?? '');
}

function onPath(program) {
  if (program.startsWith('/')) return existsSync(program);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function installDebianPackages(packages) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const missing = Object.keys(packages).filter((name) => !onPath(packages[name]));
  if (missing.length === 0) return;
  if (!onPath('apt-get')) {
    console.error(`this lab needs: ${missing.join(' ')}. Install them, then run the command again.`);
    process.exit(1);
  }
  console.error(`installing ${missing.join(' ')} (their services are not started)`);
  // Debian starts a service when its package is installed, unless this policy file says no.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    run('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 2, 2] });
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
      env,
      stdio: ['ignore', 'ignore', 2],
    });
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

installNodePackages();
const asked = (flag) => process.argv.includes(flag);
if (asked('--packages'))
  installDebianPackages({
    ...LAB_PACKAGES,
    ...(asked('--bench') && BENCH_PACKAGES),
    ...(asked('--slow') && SLOW_PACKAGES),
    ...(asked('--pictures') && PICTURE_PACKAGES),
  });
