import { ClientBase } from './client-base.js';
import { SecretText } from './secret-text.js';
