// What two generators make of the official descriptions: node generate.mjs FOLDER, in which bewerking.yaml and inzage.yaml stand.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';

const folder = process.argv[2];
const types = fileURLToPath(new URL('node_modules/openapi-typescript/bin/cli.js', import.meta.url));
for (const api of ['bewerking', 'inzage']) {
  execFileSync(process.execPath, [types, `${folder}/${api}.yaml`, '--output', `${folder}/${api}.d.ts`], { stdio: 'ignore' });
  await createClient({
    input: `${folder}/${api}.yaml`,
    output: `${folder}/hey-${api}`,
    logs: { level: 'silent', file: false },
    // With a validator of each question and each answer: types alone are gone when it runs.
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', { name: 'zod', dates: { offset: true } }, { name: '@hey-api/sdk', validator: true }],
  });
}
