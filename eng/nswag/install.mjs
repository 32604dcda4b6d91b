// Fetches the generator (`npm ci`), once per version of the lock file.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const lock = path.join(here, 'package-lock.json');
const stamp = path.join(here, 'node_modules', '.package-lock.json');

if (!fs.existsSync(stamp) || fs.statSync(stamp).mtimeMs < fs.statSync(lock).mtimeMs) {
  execSync('npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error', { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] });
  fs.utimesSync(stamp, new Date(), new Date());
}
