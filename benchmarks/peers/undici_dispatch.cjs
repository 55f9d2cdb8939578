// undici at its best: dispatch() with a handler per request, no promises, a fixed number of requests in flight.
//
// node undici_dispatch.cjs UNDICI LIST OUTPUT [--workers N] [--per-host N] [--ca FILE | --insecure]
// UNDICI is the folder of the package, e.g. .peers/node_modules/undici.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const tls = require('node:tls')
const { parseArgs } = require('node:util')

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '64' },
    'per-host': { type: 'string', default: '0' },
    ca: { type: 'string' },
    insecure: { type: 'boolean', default: false }
  }
})
const [undici, list, output] = positionals
const { Agent } = require(path.resolve(undici))

const connect = { rejectUnauthorized: !options.insecure }
if (options.ca) { // one context for all connections: it is dear to read the authorities again for each
  connect.secureContext = tls.createSecureContext({ ca: fs.readFileSync(options.ca) })
}
const agent = new Agent({
  connections: Number(options['per-host']) || null,
  keepAliveTimeout: 60e3,
  pipelining: 1,
  connect
})

const FLUSH = 64 * 1024
const out = fs.openSync(output, 'w')
let unwritten = ''
function write (record) {
  unwritten += JSON.stringify(record) + '\n'
  if (unwritten.length > FLUSH) {
    fs.writeSync(out, unwritten)
    unwritten = ''
  }
}

class Handler {
  constructor (url, line) {
    this.url = url
    this.line = line
    this.chunks = []
    this.began = performance.now()
    this.started = new Date()
  }

  onRequestStart () {}

  onResponseStart (controller, status, headers) {
    this.status = status
    this.contentType = headers['content-type'] ?? null
  }

  onResponseData (controller, chunk) {
    this.chunks.push(chunk)
  }

  onResponseEnd () {
    const body = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks)
    write({
      url: this.url,
      line: this.line,
      outcome: this.status < 400 ? 'ok' : 'http_error',
      status: this.status,
      error: null,
      detail: null,
      final_url: this.url,
      redirects: [],
      attempts: 1,
      started: this.started.toISOString(),
      elapsed: Math.round((performance.now() - this.began) * 1000) / 1e6,
      waited: 0,
      content_type: this.contentType,
      charset: this.contentType?.split('charset=')[1] ?? null,
      bytes: body.length,
      wire_bytes: body.length,
      sha256: crypto.hash('sha256', body, 'hex'),
      reused: null,
      path: null,
      complete: true,
      remote: null,
      timings: null
    })
    next()
  }

  onResponseError (controller, error) {
    write({ url: this.url, line: this.line, outcome: 'failed', error: String(error) })
    next()
  }
}

const urls = fs.readFileSync(list, 'utf8').split('\n').filter(Boolean)
let position = 0
let inFlight = 0

function next () {
  inFlight--
  start()
}

function start () {
  if (position < urls.length) {
    const url = urls[position++]
    const slash = url.indexOf('/', 8)
    inFlight++
    agent.dispatch({ origin: url.slice(0, slash), path: url.slice(slash), method: 'GET' }, new Handler(url, position))
  } else if (!inFlight) {
    fs.writeSync(out, unwritten)
    process.exit(0)
  }
}

for (let i = Math.min(Number(options.workers), urls.length); i > 0; i--) start()
