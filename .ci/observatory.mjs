/*
 * Grades pages by the rules of Mozilla's HTTP Observatory: `node observatory.mjs FOLDER HOST < pages.json`.
 *
 * FOLDER is where npm has installed @mdn/mdn-http-observatory. It requests the pages itself, over HTTP and HTTPS, from the
 * server on this machine, whose certificate for HOST has to be from an authority that Node trusts (NODE_EXTRA_CA_CERTS).
 * The pages are a list of objects with a `path` and a `cookie`, which may be empty. Prints a line for each page, and exits
 * with an error unless each has an A+.
 */

import dns from 'node:dns';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, host] = process.argv.slice(2);
const lookup = dns.lookup;
dns.lookup = (name, options, callback) => lookup(name === host ? '127.0.0.1' : name, options, callback);

const root = path.join(folder, 'node_modules/@mdn/mdn-http-observatory');
// Its installation would download the list of hosts that browsers have preloaded. Ours is not in it.
fs.writeFileSync(path.join(root, 'conf/hsts-preload.json'), '{}');
const load = (name) => import(pathToFileURL(path.join(root, 'src', name)));
const { retrieve } = await load('retriever/retriever.js');
const { ALL_TESTS } = await load('constants.js');
const { getGradeForScore, getScoreDescription, getScoreModifier } = await load('grader/grader.js');
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load('grader/charts.js');

/* Like scanner/index.js, which accepts neither paths nor pages with the status 404. */
function grade(requests) {
    const results = ALL_TESTS.map((test) => test(requests)).filter((output) => output.result);
    const modifiers = results.map((output) => getScoreModifier(output.result));
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 100);
    const withoutCredit = sum(modifiers.filter((modifier) => modifier < 0));
    const score = withoutCredit >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers) : withoutCredit;
    const failed = results.filter((output) => !output.pass).map((output) => getScoreDescription(output.result));
    return { ...getGradeForScore(score), passed: results.length - failed.length, failed };
}

let isPerfect = true;
for (const page of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    const options = { path: page.path };
    if (page.cookie) {
        options.headers = ['Accept: text/html', `Cookie: ${page.cookie}`];
    }
    let requests = await retrieve(host, options);
    // nginx lets a sender open the log-in page ten times a minute.
    for (let attempt = 0; attempt < 5 && requests.responses.auto?.status === 429; attempt += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20_000));
        requests = await retrieve(host, options);
    }
    const response = requests.responses.auto;
    if (!response) {
        console.log(`${page.path}: there is no response.`);
        isPerfect = false;
        continue;
    }
    const result = grade(requests);
    console.log(
        `${result.grade.padEnd(3)} ${String(result.score).padStart(3)}  ${result.passed} of ${ALL_TESTS.length} tests  ` +
            `${response.status} ${page.path}${page.cookie && ', logged in'}`,
        ...result.failed.map((text) => `\n    ${text}`),
    );
    isPerfect &&= result.grade === 'A+' && result.passed === ALL_TESTS.length;
}
process.exit(isPerfect ? 0 : 1);
