// Every operation, by the clients of @hey-api/openapi-ts, which validate each question and each answer: node hey_api.js URL TOKEN EXAMPLES
import { deepStrictEqual as same, ok } from 'node:assert';
import { readFileSync } from 'node:fs';
import { client as forBewerking } from './hey-bewerking/client.gen';
import * as bewerking from './hey-bewerking/sdk.gen';
import type { VerwerkingsactieUitgebreidBasisWritable } from './hey-bewerking/types.gen';
import { client as forInzage } from './hey-inzage/client.gen';
import * as inzage from './hey-inzage/sdk.gen';

const [, , baseUrl, token, examples] = process.argv;
const given: { bodies: VerwerkingsactieUitgebreidBasisWritable[]; headers: Record<string, string> } = JSON.parse(readFileSync(examples, 'utf-8'));
const throwOnError = true;
forBewerking.setConfig({ baseUrl, auth: token });
forInzage.setConfig({ baseUrl, auth: token, headers: given.headers });

async function every(body: VerwerkingsactieUitgebreidBasisWritable): Promise<void> {
  const { data: created } = await bewerking.verwerkingsactieCreate({ body, throwOnError });
  const path = { actieId: created.actieId };
  same({ ...created, verwerkteObjecten: [] }, { ...created, ...body, verwerkteObjecten: [] });
  const { data: read } = await bewerking.verwerkingsactieRead({ path, throwOnError });
  same(read, created);

  const changed = { ...read, actieNaam: 'Wijzigen persoonsgegevens' };
  const { data: put } = await bewerking.verwerkingsactieUpdate({ path, body: changed, throwOnError });
  same({ ...put, tijdstipRegistratie: '' }, { ...changed, tijdstipRegistratie: '' });

  const { soortObjectId, objectId, verwerktObjectId } = put.verwerkteObjecten[0];
  const persoon = { objecttype: 'persoon', soortObjectId, objectId } as const;
  const { data: found } = await bewerking.verwerkingsactieList({
    query: { ...persoon, beginDatum: '2000-01-01', eindDatum: '2100-01-01', vertrouwelijkheid: ['normaal'] },
    throwOnError,
  });
  ok(found.results.some((actie) => actie.actieId === created.actieId));

  const query = { ...persoon, beginDatum: '2000-01-01', eindDatum: '2100-01-01' };
  const { data: seen } = await inzage.verwerkteObjectenList({ query, throwOnError });
  const one = seen.results.find((each) => each.verwerkingsactie?.actieId === created.actieId);
  ok(one);
  const { data: alone } = await inzage.verwerktobjectRead({ path: { verwerktObjectId }, throwOnError });
  same(alone, one);

  if (body.verwerkingId !== undefined) {
    const patched = await bewerking.verwerkingsactieListPatch({ query: { verwerkingId: body.verwerkingId }, body: { bewaartermijn: 'P12Y' }, throwOnError });
    same(patched.response.status, 204);
    same((await bewerking.verwerkingsactieRead({ path, throwOnError })).data.bewaartermijn, 'P12Y');
  }
  same((await bewerking.verwerkingsactieDelete({ path, throwOnError })).response.status, 204);
  const { error } = await bewerking.verwerkingsactieRead({ path });
  same((error as { code: string }).code, 'not-found');
}

async function main(): Promise<void> {
  for (const body of given.bodies) await every(body);
  console.log(`hey-api: ${given.bodies.length} times every operation`);
}

void main();
