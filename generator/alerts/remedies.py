"""Causes and remedies that several runbooks share.

Settings and their values are those of the Auditor's performance testing guide, chapters
Optimization Guide and Troubleshooting. What the app does inside is read from its public source,
federicodeponte/juragpt-unified at 2f7e1d6, folder services/verification.
"""

from __future__ import annotations

from typing import Final

from generator.alerts.model import Cause

LOG: Final = "docker compose logs --no-log-prefix --since 15m auditor-api"
TOP: Final = "docker compose top auditor-api"
TAIL: Final = "docker compose logs --no-log-prefix --tail 100 auditor-api"
START: Final = "docker compose up -d auditor-api"
RESTART: Final = "docker compose restart auditor-api"
HEALTH: Final = (
    "curl -sS --max-time 10 -w '\\n%{http_code} in %{time_total} s\\n' http://localhost:8888/health"
)
_RUNNING_QUERIES: Final = """\
psql -c "SELECT pid, state, wait_event_type, wait_event,
                now() - query_start AS runs, left(query, 60) AS query
         FROM pg_stat_activity
         WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
         ORDER BY runs DESC\""""
CONNECTIONS: Final = """\
psql -c "SELECT client_addr, usename, application_name, state, count(*)
         FROM pg_stat_activity WHERE backend_type = 'client backend'
         GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC\""""

SMALLER_MODELS: Final = Cause(
    "The models are slow for this machine",
    "The workers' processor time is at its end while few database connections are in use. Take "
    "smaller models, or a GPU where there is one. Smaller models score differently: watch the "
    "share of weakly supported answers afterwards.",
    settings=(
        "SPACY_MODEL=de_core_news_md  # instead of de_core_news_lg",
        "EMBEDDING_MODEL=paraphrase-multilingual-MiniLM-L12-v2",
        "EMBEDDING_BATCH_SIZE=64",
        "CUDA_DEVICE=0  # only with a GPU",
    ),
    commands=("python tests/performance/benchmark.py",),
)

MORE_WORKERS: Final = Cause(
    "Too few workers",
    "A worker verifies one request at a time, so everything beyond their number waits. Start "
    "more: two for each core and one on top. Each loads its own models, a gigabyte or so: look at "
    "the memory that is left first. Then set `service.expected_workers` in `thresholds.yaml` to "
    "the same number.",
    settings=(
        "WORKER_COUNT=9  # for 4 cores: 2 x cores + 1",
        "WORKER_CLASS=uvicorn.workers.UvicornWorker",
    ),
    commands=("nproc", TOP),
)

SLOW_DATABASE: Final = Cause(
    "The database is slow",
    "Processor time of the workers is low while they are busy. Find the statement that runs or "
    "waits, and what blocks it; `pg_stat_statements` is an extension that must be loaded. The "
    "index is for the day: it helps queries by time. Its column is that of the app's public "
    "source, where the guide's example says `verifications(timestamp)`.",
    commands=(
        _RUNNING_QUERIES,
        """\
psql -c "SELECT query, mean_exec_time, calls FROM pg_stat_statements
         ORDER BY mean_exec_time DESC LIMIT 10\"""",
        "# By day; the table stays unlocked:",
        """\
psql -c "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_verifications_timestamp
         ON verification_log (created_at)\"""",
    ),
)

LARGER_POOL: Final = Cause(
    "The pool is too small for the load",
    "Every worker has a pool of its own: workers times size plus overflow must stay below the "
    "server's `max_connections`, else put PgBouncer in transaction mode between. Then set "
    "`service.database_pool` in `thresholds.yaml` to the same numbers.",
    settings=("DB_POOL_SIZE=20", "DB_MAX_OVERFLOW=40"),
    commands=('psql -c "SHOW max_connections"', CONNECTIONS),
)

LEAKED_CONNECTIONS: Final = Cause(
    "Sessions are not closed",
    "Connections stay although no request is under way; on the server they are `idle in "
    "transaction`. Every use of a session belongs in a context manager (`async with "
    "database.session() as session:`). Until a release mends it, end the forgotten ones; the "
    "app's pool replaces them.",
    commands=(
        """\
psql -c "SELECT pid, client_addr, now() - state_change AS idle_for, left(query, 60) AS last_query
         FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'
         ORDER BY idle_for DESC\"""",
        "# Ends those that have idled for a quarter of an hour:",
        """\
psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'
           AND now() - state_change > interval '15 minutes'\"""",
    ),
)

SLOW_DISK: Final = Cause(
    "The models are read from a slow disk",
    "The first requests after each start are slow, and the disk is busy meanwhile. Keep the "
    "models on an SSD or in memory; files in `/dev/shm` count as memory of the container.",
    settings=("ENABLE_MODEL_CACHE=true", "MODEL_CACHE_DIR=/dev/shm/models"),
    commands=("iostat -x 5 3", "df -h /dev/shm"),
)

HEAVY_REQUESTS: Final = Cause(
    "The requests have grown",
    "Time grows with the sentences of an answer times its sources. The log gives both sizes of "
    "every request (`Verifying answer (... chars, ... sources)`). Ask the client to send less at "
    "once.",
    commands=(f"{LOG} | grep -F 'Verifying answer' | tail -n 20",),
)

STATISTICS_CALLS: Final = Cause(
    "Somebody polls `GET /statistics`",
    "It counts the whole table and loads the score of every valid row into the worker that "
    "answers, which serves nothing else meanwhile. Stop the poller; `/health` is the path to poll.",
    commands=(f"{LOG} | grep -cF 'GET /statistics'",),
)

LOADING_MODELS: Final = Cause(
    "Workers have just started",
    "A worker loads its models with its first request, which takes 10 to 30 seconds. After a "
    "deploy wait for that; if it comes back without a deploy, workers are being replaced: see "
    "AuditorWorkerCrashLoop.",
    commands=(TOP,),
)

BROKEN_MODELS: Final = Cause(
    "A model cannot be loaded",
    "The log names it (`spaCy model '...' not found`). Look whether its files are there and the "
    "disk has room, then fetch it again.",
    settings=("ENABLE_MODEL_CACHE=true", "MODEL_CACHE_DIR=/mnt/fast-storage/models"),
    commands=(
        "docker compose exec -T auditor-api df -h",
        "docker compose exec -T auditor-api python -m spacy download de_core_news_md",
    ),
)

KERNEL_KILLS: Final = Cause(
    "The kernel killed a worker for its memory",
    "The kernel's log names the process and the cgroup; `oom_kill` in `memory.events` counts such "
    "kills of the container. Raise the limit, or run fewer workers or smaller models.",
    settings=(
        "SPACY_MODEL=de_core_news_md  # instead of de_core_news_lg",
        "EMBEDDING_MODEL=paraphrase-multilingual-MiniLM-L12-v2",
    ),
    commands=(
        "journalctl -k --since=-1h | grep -iE 'out of memory|oom-kill'",
        "docker compose exec -T auditor-api cat /sys/fs/cgroup/memory.events",
    ),
)

KEPT_ANSWERS: Final = Cause(
    "The app keeps every answer and source",
    "In the public source each worker keeps the text of every answer and of every different "
    "source in memory, for the audit trail, and never drops one: its memory grows with its "
    "requests. Restart the workers in quiet hours; the cure is a release that keeps them in the "
    "database alone.",
)

UNBOUNDED_CACHE: Final = Cause(
    "A cache without a bound, or large objects kept alive",
    "Growth that follows new texts rather than requests points at a cache. Give it a bound "
    "(`@lru_cache(maxsize=1000)`), drop large results when they are done (`del`, `gc.collect()`), "
    "and prove it with a profile and a soak test before the release.",
    commands=(
        "python tests/performance/memory_profile.py --duration 1800 --plot",
        "./tests/performance/scenarios.sh soak",
    ),
)

UNENDED_THREADS: Final = Cause(
    "Threads are not ended",
    "The threads of the worker grow along with its memory. Each keeps a stack and whatever it "
    "refers to: see AuditorManyThreads.",
    commands=('ps -o pid,nlwp,rss,etime,args -p "$pid"  # pid: label of auditor_worker_info',),
)
ENDLESS_THREADS: Final = Cause(
    "Threads are started and never end",
    "The number follows the requests. The kernel's names of the threads, and "
    "where `py-spy` is installed their stacks, tell which library starts them.",
    commands=(
        "# pid: label of auditor_worker_info",
        'ps -L -o comm= -p "$pid" | sort | uniq -c | sort -rn',
        'py-spy dump --pid "$pid"',
    ),
)
UNCLOSED_FILES: Final = Cause(
    "Connections or files are not closed",
    "Descriptors or database connections of the worker grow along with its memory. Every use of a "
    "session or a file belongs in a context manager (`async with database.session() as session:`).",
)

ROLL_BACK: Final = Cause(
    "A release brought it",
    "It began with a start of the workers. Roll back to the release before; look for the cause "
    "afterwards.",
    commands=("docker compose images auditor-api",),
)
