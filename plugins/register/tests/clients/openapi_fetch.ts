// Every operation, by openapi-fetch with the types of openapi-typescript: node openapi_fetch.js URL TOKEN EXAMPLES
import { deepStrictEqual as same, ok } from 'node:assert';
import { readFileSync } from 'node:fs';
import createClient from 'openapi-fetch';
import type { components, paths as Bewerking } from './bewerking';
import type { paths as Inzage } from './inzage';

type Body = components['schemas']['VerwerkingsactieUitgebreidBasis'];
const [, , baseUrl, token, examples] = process.argv;
const given: { bodies: Body[]; headers: Record<string, string> } = JSON.parse(readFileSync(examples, 'utf-8'));
const authorization = { Authorization: `Bearer ${token}` };
const bewerking = createClient<Bewerking>({ baseUrl, headers: authorization });
const inzage = createClient<Inzage>({ baseUrl, headers: { ...authorization, ...given.headers } });

function there<T>(answer: { data?: T; error?: unknown }): T {
  ok(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
}

async function every(body: Body): Promise<void> {
  const created = there(await bewerking.POST('/verwerkingsacties', { body }));
  same({ ...created, verwerkteObjecten: [] }, { ...created, ...body, verwerkteObjecten: [] });
  const params = { path: { actieId: created.actieId } };
  const read = there(await bewerking.GET('/verwerkingsacties/{actieId}', { params }));
  same(read, created);

  const changed = { ...read, actieNaam: 'Wijzigen persoonsgegevens' };
  const put = there(await bewerking.PUT('/verwerkingsacties/{actieId}', { params, body: changed }));
  same({ ...put, tijdstipRegistratie: '' }, { ...changed, tijdstipRegistratie: '' });

  const { soortObjectId, objectId, verwerktObjectId } = put.verwerkteObjecten[0];
  const query = { objecttype: 'persoon', soortObjectId, objectId, beginDatum: '2000-01-01', eindDatum: '2100-01-01' } as const;
  const found = there(await bewerking.GET('/verwerkingsacties', { params: { query: { ...query, vertrouwelijkheid: ['normaal'] } } }));
  ok(found.results.some((actie) => actie.actieId === created.actieId));

  const seen = there(await inzage.GET('/verwerkte-objecten', { params: { query } }));
  const one = seen.results.find((each) => each.verwerkingsactie?.actieId === created.actieId);
  ok(one);
  same(there(await inzage.GET('/verwerkte-objecten/{verwerktObjectId}', { params: { path: { verwerktObjectId } } })), one);

  if (body.verwerkingId !== undefined) {
    const patched = await bewerking.PATCH('/verwerkingsacties', { params: { query: { verwerkingId: body.verwerkingId } }, body: { bewaartermijn: 'P12Y' } });
    same(patched.response.status, 204);
    same(there(await bewerking.GET('/verwerkingsacties/{actieId}', { params })).bewaartermijn, 'P12Y');
  }
  same((await bewerking.DELETE('/verwerkingsacties/{actieId}', { params })).response.status, 204);
  const gone = await bewerking.GET('/verwerkingsacties/{actieId}', { params });
  same(gone.error?.code, 'not-found');
}

async function main(): Promise<void> {
  for (const body of given.bodies) await every(body);
  console.log(`openapi-fetch: ${given.bodies.length} times every operation`);
}

void main();
