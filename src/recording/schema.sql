-- The recording, schema version 1. One SQLite file per run; application_id 0x484C4752 ("HLGR"), user_version 1.
-- Times ending in _us are microseconds since meta.started_unix_ns / 1000. Sizes are bytes. NULL means: not measured.

CREATE TABLE meta (           -- heapledger_version, started_unix_ns, ended_unix_ns (absent while running), command
  key   TEXT PRIMARY KEY,     -- (argv[0] only), mode ('exact'), native (0/1), complete (0/1), dropped_requests, writer_*,
                              -- memory_limit_bytes, memory_limit_source (of the first worker's cgroup, or the host),
                              -- workers_without_ledger, run_folder_lost, dropped_pool_events, folded_pool_events,
                              -- pool_events_since_us (these only where there are such)
  value
) WITHOUT ROWID;

CREATE TABLE worker (         -- one process that kept a ledger
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  parent_pid INTEGER NOT NULL,
  python TEXT NOT NULL,
  server TEXT NOT NULL,       -- 'gunicorn', 'uvicorn', ... or ''
  rule TEXT NOT NULL,         -- block map rule in use
  started_us INTEGER NOT NULL,
  ended_us INTEGER,           -- NULL while it runs
  ending TEXT NOT NULL,       -- 'running', 'frozen' (ended in order), 'stopped' (on purpose, without a freeze), 'died'
                              -- (killed, or nobody can tell), 'displaced'
  end_signal INTEGER,         -- that ended it; NULL when none did, or nobody can tell
  allocated_bytes INTEGER NOT NULL DEFAULT 0,
  freed_bytes INTEGER NOT NULL DEFAULT 0,
  live_bytes INTEGER NOT NULL DEFAULT 0,
  unattributed_bytes INTEGER NOT NULL DEFAULT 0,   -- allocated by service and import owners
  audited_live_bytes INTEGER,                      -- block map walked at the freeze; NULL when it was not
  audited_owner_mismatches INTEGER,
  dropped_requests INTEGER NOT NULL DEFAULT 0,
  approximate_requests INTEGER NOT NULL DEFAULT 0,
  untracked_blocks INTEGER NOT NULL DEFAULT 0,
  lost_frees INTEGER NOT NULL DEFAULT 0,           -- blocks whose free nobody reported: another took their place
  lost_samples INTEGER NOT NULL DEFAULT 0,         -- blocks that were to be sampled, and could not
  lost_survivor_bytes INTEGER NOT NULL DEFAULT 0,  -- in no cohort: no room for them
  lost_flow_bytes INTEGER NOT NULL DEFAULT 0,      -- in no flow: no room for them
  foreign_blocks INTEGER NOT NULL DEFAULT 0,
  folded_endpoints INTEGER NOT NULL DEFAULT 0,
  displaced_us INTEGER,
  books_us INTEGER,                                -- when this row, owner_total and in_flight were last read
  rss_bytes INTEGER,                               -- latest sample of its own
  allocator_retained_bytes INTEGER,
  heapledger_bytes INTEGER,
  native_live_bytes INTEGER,                       -- part of its live bytes at that sample; NULL: not seen
  allocator TEXT NOT NULL DEFAULT '',              -- what serves malloc: 'libc.so.6, 32-byte granules'; '' not seen
  unseen TEXT NOT NULL DEFAULT ''                  -- loaded packages with allocators of their own: 'polars, pyarrow'
);

CREATE TABLE endpoint (
  id INTEGER PRIMARY KEY,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  version TEXT NOT NULL,      -- '' when none
  deprecated INTEGER NOT NULL,
  UNIQUE (method, route, version, deprecated)
);

CREATE TABLE content_type (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE content_encoding (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE   -- 'gzip', 'deflate', 'br', 'zstd', 'compress', 'other' (another one, or several)
);

CREATE TABLE request (        -- one finished request
  id INTEGER PRIMARY KEY,
  worker INTEGER NOT NULL,
  sequence INTEGER NOT NULL,  -- number in its worker
  endpoint INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  duration_us INTEGER NOT NULL,
  status INTEGER NOT NULL,
  flags INTEGER NOT NULL,     -- kRequest* bits of ledger/layout.h
  received_bytes INTEGER NOT NULL,
  sent_bytes INTEGER NOT NULL,
  request_type INTEGER,       -- content_type.id
  response_type INTEGER,
  in_flight_at_start INTEGER NOT NULL,
  in_flight_peak INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL,
  allocations INTEGER NOT NULL,
  peak_bytes INTEGER NOT NULL,
  escaped_bytes INTEGER NOT NULL,
  isolated_bytes INTEGER NOT NULL,
  adopted_bytes INTEGER NOT NULL,
  native_allocated_bytes INTEGER,
  native_peak_bytes INTEGER,
  byte_seconds REAL NOT NULL,
  running_us INTEGER NOT NULL,
  after_response_bytes INTEGER NOT NULL DEFAULT 0,
  curve INTEGER,              -- live bytes over its duration: sixteen equal parts, the mean of each in fifteenths of the
                              -- peak, four bits each, the first part highest; NULL: not known
  peak_percent INTEGER,       -- when the peak was reached, in percent of the duration
  read_allocated_bytes INTEGER,        -- by phase: what it allocated, the request's highest live bytes during it, its
  read_peak_bytes INTEGER,             -- time. Their bytes add up to allocated_bytes. NULL: phases were not seen
  read_us INTEGER,
  deserialize_allocated_bytes INTEGER,
  deserialize_peak_bytes INTEGER,
  deserialize_us INTEGER,
  handle_allocated_bytes INTEGER,
  handle_peak_bytes INTEGER,
  handle_us INTEGER,
  serialize_allocated_bytes INTEGER,
  serialize_peak_bytes INTEGER,
  serialize_us INTEGER,
  send_allocated_bytes INTEGER,
  send_peak_bytes INTEGER,
  send_us INTEGER,
  request_encoding INTEGER,   -- content_encoding.id of the body; NULL: identity
  response_encoding INTEGER
);

CREATE TABLE body_limit (     -- how large a request body may be, as frameworks' settings say
  worker INTEGER NOT NULL,
  endpoint INTEGER,           -- NULL: holds for all of the worker
  setting TEXT NOT NULL,      -- 'Flask MAX_CONTENT_LENGTH'
  limit_bytes INTEGER         -- NULL: the framework sets none
);

CREATE TABLE owner_total (    -- the books by owner, as they stood when last read (at the freeze when there was one)
  worker INTEGER NOT NULL,
  kind TEXT NOT NULL,         -- 'service', 'import', 'request' (ended, live left), 'open' (in flight), 'tenured', 'connection', 'inherited' (at fork), 'retired'
  endpoint INTEGER,           -- request, open, tenured
  name TEXT,                  -- import: top-level module
  owners INTEGER NOT NULL,    -- how many owners are summed here
  allocated_bytes INTEGER NOT NULL,
  freed_bytes INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL
);

CREATE TABLE in_flight (      -- requests that had not finished when the worker's ledger was last read
  worker INTEGER NOT NULL,
  endpoint INTEGER,           -- NULL: no route was known yet
  sequence INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL,
  peak_bytes INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL
);

CREATE TABLE timeline (       -- process curve, sampled by the collector
  worker INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  rss_bytes INTEGER,
  live_bytes INTEGER NOT NULL,
  in_flight INTEGER NOT NULL,
  arena_bytes INTEGER,
  allocator_retained_bytes INTEGER
);

CREATE TABLE peak (           -- the highest moment of a worker's live bytes
  worker INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL,
  in_flight INTEGER NOT NULL
);

CREATE TABLE peak_member (
  worker INTEGER NOT NULL,
  endpoint INTEGER,
  sequence INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL
);

CREATE TABLE process_note (   -- a Python that could not take part, and why (one line)
  executable TEXT NOT NULL,
  python TEXT NOT NULL,
  reason TEXT NOT NULL
);

CREATE TABLE endpoint_slice ( -- requests whose single rows were given up for --max-size (meta.single_requests_since_us)
  endpoint INTEGER NOT NULL,
  from_us INTEGER NOT NULL,   -- by start of the request; until_us is exclusive
  until_us INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,    -- status 500 and above, or raised
  figures TEXT NOT NULL,      -- JSON: per figure its sum, max and histogram (eight logarithmic bins an octave)
  PRIMARY KEY (endpoint, from_us)
) WITHOUT ROWID;

CREATE TABLE endpoint_notice ( -- what an endpoint's responses say of its end
  endpoint INTEGER PRIMARY KEY,
  deprecation TEXT NOT NULL,  -- header Deprecation (RFC 9745); '' when none
  sunset TEXT NOT NULL        -- header Sunset (RFC 8594); '' when none
);

CREATE TABLE compat_mark (    -- code marked by heapledger.compat(name), summed, as last read
  worker INTEGER NOT NULL,
  endpoint INTEGER,           -- NULL: outside of every route
  name TEXT NOT NULL,         -- '': calls that found no room
  calls INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL,
  peak_bytes INTEGER NOT NULL,         -- by how much one call lifted the peak of its request, at most
  duration_us INTEGER NOT NULL
);

CREATE TABLE endpoint_life (  -- what became of blocks that outlived their request, as last read
  worker INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  requests INTEGER NOT NULL,           -- that ended: the last one's number
  freed_bytes INTEGER NOT NULL,        -- survivors freed, after their request
  oldest_free_requests INTEGER NOT NULL,   -- the greatest age of a freed one, in requests of the endpoint
  first_aged_free_request INTEGER,     -- number of the endpoint's latest request when a survivor of age 32 and more was
  last_aged_free_request INTEGER,      -- freed first, and last; NULL: never
  freed_by_age TEXT NOT NULL,          -- JSON: bytes by age, below 10 ms, 40 ms, 160 ms, ... (12 bins, four times each)
  retained_history TEXT NOT NULL DEFAULT '[]',  -- JSON: [requests, bytes survivors held then], a quarter more each time
  PRIMARY KEY (worker, endpoint)
) WITHOUT ROWID;

CREATE TABLE cohort (         -- survivors that are still live, by when they were born and by size, as last read
  worker INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  first_request INTEGER NOT NULL,      -- born in the endpoint's requests first to last, counted as they end, from 1
  last_request INTEGER NOT NULL,
  block_bytes INTEGER,                 -- largest block of the size class; NULL: not told apart
  live_bytes INTEGER NOT NULL,
  live_blocks INTEGER                  -- NULL: not counted
);

CREATE TABLE flow (           -- survivors of one endpoint's requests, freed while another request ran
  worker INTEGER NOT NULL,
  owner_endpoint INTEGER NOT NULL,
  freer_endpoint INTEGER,     -- NULL: outside of every request
  bytes INTEGER NOT NULL,
  blocks INTEGER NOT NULL
);

CREATE TABLE place (          -- a line of code
  id INTEGER PRIMARY KEY,
  function TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  UNIQUE (function, file, line)
);

CREATE TABLE stack (
  id INTEGER PRIMARY KEY,
  places TEXT NOT NULL UNIQUE,         -- ids of places, innermost first, by blanks
  truncated INTEGER NOT NULL
);

CREATE TABLE site (           -- what an endpoint's requests allocated through one stack: estimates from sampled blocks
  worker INTEGER NOT NULL,
  endpoint INTEGER,           -- NULL: no route was known yet
  stack INTEGER,              -- NULL: no Python code was running
  samples INTEGER NOT NULL,
  allocated_bytes REAL NOT NULL,
  peak_bytes REAL NOT NULL,            -- live at the peak of their request, summed over requests
  retained_bytes REAL NOT NULL,        -- survivors still live
  retained_blocks REAL NOT NULL,
  retained_samples INTEGER NOT NULL
);

CREATE TABLE segment_reading ( -- /proc/PID/smaps of a worker, as the collector read it
  worker INTEGER NOT NULL,
  moment TEXT NOT NULL,       -- 'first', 'latest'
  at_us INTEGER NOT NULL,
  rss_bytes INTEGER,          -- sum over its mappings; NULL: could not be read
  pss_bytes INTEGER,
  reason TEXT NOT NULL,       -- why it could not; '' where it could
  PRIMARY KEY (worker, moment)
) WITHOUT ROWID;

CREATE TABLE segment (        -- the same by kind of mapping; their sums are the reading's
  worker INTEGER NOT NULL,
  moment TEXT NOT NULL,
  kind TEXT NOT NULL,         -- 'python_arenas', 'malloc_heap', 'other_anonymous', 'libraries', 'mapped_files',
                              -- 'shared_memory', 'stacks', 'heapledger'
  rss_bytes INTEGER NOT NULL,
  shared_bytes INTEGER NOT NULL,       -- of it in pages that other processes map too
  private_bytes INTEGER NOT NULL,
  PRIMARY KEY (worker, moment, kind)
) WITHOUT ROWID;

CREATE TABLE pool (           -- a connection pool of one worker, as its library describes it
  id INTEGER PRIMARY KEY,
  worker INTEGER NOT NULL,
  name TEXT NOT NULL,
  library TEXT NOT NULL,      -- 'SQLAlchemy', 'psycopg_pool', ...
  min_size INTEGER,           -- NULL: the library has no such setting, or it is not limited
  max_size INTEGER,
  max_overflow INTEGER,       -- beyond max_size
  timeout_us INTEGER,
  recycle_us INTEGER,
  settings TEXT NOT NULL      -- JSON: setting to value, as the library calls them
);

CREATE TABLE connection (     -- as last read
  worker INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  number INTEGER NOT NULL,    -- in its pool, from 1
  created_us INTEGER NOT NULL,
  closed_us INTEGER,
  state TEXT NOT NULL,        -- 'idle', 'in_use', 'closed', 'closed_kept' (closed, and bytes of it still live), 'orphan' (alive,
                              -- and its pool knows nothing of it, or gone without its pool's doing)
  allocated_bytes INTEGER NOT NULL,    -- while it was made
  live_bytes INTEGER NOT NULL,
  native_bytes INTEGER,       -- part of live_bytes
  last_event_us INTEGER NOT NULL,
  endpoint INTEGER,           -- whose request took it last, or made it; NULL: nobody's, or no route was known yet
  request_sequence INTEGER,
  stack INTEGER,              -- where it was taken
  PRIMARY KEY (pool, number)
) WITHOUT ROWID;

CREATE TABLE pool_event (
  worker INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,         -- 'create', 'checkout', 'checkin', 'invalidate', 'close', 'timeout'
  connection INTEGER,         -- its number; NULL: none (timeout)
  endpoint INTEGER,
  request_sequence INTEGER,
  wait_us INTEGER,            -- checkout, timeout; NULL: not measured
  hold_us INTEGER,            -- checkin, and close of a connection in use
  live_bytes INTEGER,         -- of the connection
  size INTEGER NOT NULL,      -- of the pool after the event: connections that are open, ...
  in_use INTEGER NOT NULL,
  idle INTEGER NOT NULL,
  waiters INTEGER,            -- ... and who wait for one; NULL: not counted
  stack INTEGER
);
