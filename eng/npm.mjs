// `npm ci` in a folder, once per version of its lock file. Builds and test projects run side by side: one installs, the others wait for it.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * @param folder where package.json and package-lock.json are
 * @param options more of npm's
 * @param finish what makes usable what npm fetched; if it throws, nothing counts as installed
 */
export async function install(folder, { options = [], finish = () => {} } = {}) {
  const modules = path.join(folder, 'node_modules');
  const stamp = path.join(modules, '.package-lock.json');
  const lock = path.join(folder, 'package-lock.json');
  await exclusively(path.join(folder, '.installing'), () => {
    if (fs.existsSync(stamp) && fs.statSync(stamp).mtimeMs >= fs.statSync(lock).mtimeMs) return;
    // In the folder and not with --prefix, which moves the place of npm's global settings as well, and with them a registry's certificates.
    execSync(['npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error', ...options].join(' '), {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const installed = fs.existsSync(stamp) ? fs.readFileSync(stamp) : '{}';
    fs.rmSync(stamp, { force: true }); // npm's own, and too early: written again when all is done
    finish();
    fs.mkdirSync(modules, { recursive: true }); // npm makes none where every package is for another platform
    fs.writeFileSync(stamp, installed);
  });
}

/** Whoever makes the directory works; it is no file that is locked, because Node.js cannot lock one. */
async function exclusively(busy, work) {
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
