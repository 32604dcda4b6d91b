// Generates both clients from docs/openapi/v1-3.0.json. eng/update-clients calls this script. The drift test passes a target folder outside of
// the repository.
//
//   node generate.mjs [FOLDER]
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '..', '..');
const target = path.resolve(process.argv[2] ?? root);
const published = fs.readFileSync(path.join(root, 'docs', 'openapi', 'v1-3.0.json'), 'utf8');

execFileSync('dotnet', ['tool', 'restore'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });

function generate(command, file, document, settings) {
  const output = path.join(target, file);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'secrets-nswag-'));
  try {
    const input = path.join(scratch, 'document.json');
    fs.writeFileSync(input, JSON.stringify(document));
    fs.mkdirSync(path.dirname(output), { recursive: true });
    const options = { input, output, className: 'SecretsClient', operationGenerationMode: 'SingleClientFromOperationId', newLineBehavior: 'LF' };
    const switches = Object.entries({ ...options, ...settings }).map(([name, value]) => `/${name}:${value}`);
    execFileSync('dotnet', ['nswag', command, ...switches], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const tidy = fs.readFileSync(output, 'utf8').replace(/^\uFEFF/, '').replace(/[ \t]+$/gm, '').replace(/\n{3,}/g, '\n\n').trimEnd();
    fs.writeFileSync(output, `${tidy}\n`);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

generate('openapi2csclient', 'src/Client/SecretsClient.g.cs', prepare(JSON.parse(published)), {
  namespace: 'Secrets.Client',
  jsonLibrary: 'SystemTextJson',
  generateNullableReferenceTypes: true,
  generateOptionalPropertiesAsNullable: true,
  generateOptionalParameters: true,
  generateClientInterfaces: true,
  generateDataAnnotations: false,
  generateExceptionClasses: false,
  exceptionClass: 'SecretsApiException',
  useBaseUrl: false,
  // The round-trip format keeps the UTC offset of a moment in a query.
  parameterDateTimeFormat: 'O',
  arrayType: 'System.Collections.Generic.IReadOnlyList',
  dictionaryType: 'System.Collections.Generic.IReadOnlyDictionary',
  templateDirectory: path.join(here, 'csharp'),
});
generate('openapi2tsclient', 'clients/typescript/src/generated.ts', prepare(JSON.parse(published), { typescript: true }), {
  className: 'GeneratedClient',
  template: 'Fetch',
  typeScriptVersion: '5.0',
  typeStyle: 'Interface',
  nullValue: 'Null',
  dateTimeType: 'String',
  markOptionalProperties: true,
  generateOptionalParameters: true,
  useTransformResultMethod: true,
  clientBaseClass: 'ClientBase',
  excludedTypeNames: 'SecretText',
  extensionCode: path.join(here, 'typescript.ts'),
});
