// Installs the generator from package-lock.json. Whoever needs it imports or runs this first.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../npm.mjs';

await install(path.dirname(fileURLToPath(import.meta.url)));
