// Runs `npm ci` in a folder once per version of its lock file. Builds and test projects run concurrently: one installs, the others wait.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * @param folder the folder of package.json and package-lock.json
 * @param options additional options of npm
 * @param finish completes the installation; if it throws, nothing counts as installed
 */
export async function install(folder, { options = [], finish = () => {} } = {}) {
  const modules = path.join(folder, 'node_modules');
  const stamp = path.join(modules, '.package-lock.json');
  const lock = path.join(folder, 'package-lock.json');
  await exclusively(path.join(folder, '.installing'), () => {
    if (fs.existsSync(stamp) && fs.statSync(stamp).mtimeMs >= fs.statSync(lock).mtimeMs) return;
    // npm runs inside the folder: --prefix would also move npm's global settings, which name a registry's certificates.
    execSync(['npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error', ...options].join(' '), {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const installed = fs.existsSync(stamp) ? fs.readFileSync(stamp) : '{}';
    fs.rmSync(stamp, { force: true }); // npm writes this file before the installation is complete; it is written again below
    finish();
    fs.mkdirSync(modules, { recursive: true }); // npm creates no folder if every package is for another platform
    fs.writeFileSync(stamp, installed);
  });
}

/** Runs work while holding a lock. The lock is a directory, because Node.js cannot lock a file. */
async function exclusively(busy, work) {
  for (;;) {
    try {
      fs.mkdirSync(busy);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const age = Date.now() - (fs.statSync(busy, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 5 * 60_000) fs.rmSync(busy, { recursive: true, force: true }); // a killed installation left the lock
    await delay(200);
  }
  try {
    work();
  } finally {
    fs.rmSync(busy, { recursive: true, force: true });
  }
}
