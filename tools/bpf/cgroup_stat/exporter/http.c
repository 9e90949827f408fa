// SPDX-License-Identifier: GPL-2.0
/*
 * GET /metrics, by libmicrohttpd. Each connection has a thread, so a slow one delays no other.
 * But there are MAX_SCRAPES at a time at most.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporter.h"

#define MAX_CONNECTIONS	16
#define MAX_SCRAPES	4	/* at a time */
#define IDLE_SECONDS	30	/* besides the time for reading, then a connection is closed */
#define SEND_TIME	(300 * NSEC_PER_SEC)	/* for a scrape, besides the time for reading */
#define STACK_SIZE	(8 << 20)	/* a walk may go down 2,000 levels */
#define SD_LISTEN_FD	3	/* what systemd hands over */

struct download {
	struct scrape *scrape;
	struct text out;
	size_t sent;
	bool ended;
	uint64_t until;
};

static atomic_int nr_scrapes;

static ssize_t fill(void *arg, uint64_t pos, char *buffer, size_t max)
{
	struct download *download = arg;
	struct text *out = &download->out;
	size_t len;

	if (now() >= download->until)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	while (download->sent == out->len) {
		if (download->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		out->len = 0;
		download->sent = 0;
		download->ended = !scrape_step(download->scrape, out);
	}
	len = out->len - download->sent;
	if (len > max)
		len = max;
	memcpy(buffer, out->at + download->sent, len);
	download->sent += len;
	return len;
}

static void finish(void *arg)
{
	struct download *download = arg;

	scrape_end(download->scrape);
	free(download->out.at);
	free(download);
	nr_scrapes--;
}

/* The quality of a media type in an Accept header, 0: not acceptable. */
static double quality(const char *accept, const char *type)
{
	const char *at = strstr(accept, type), *end, *q;

	if (!at)
		return 0;
	end = at + strcspn(at, ",");
	q = strstr(at, "q=");
	return q && q < end ? strtod(q + 2, NULL) : 1;
}

static enum format format_of(struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	double openmetrics = accept ? quality(accept, "application/openmetrics-text") : 0;

	return openmetrics > 0 && openmetrics >= quality(accept, "text/plain") ? OPENMETRICS : TEXT;
}

/*
 * When reading has to end. Prometheus says when it gives up, and gets nothing then, so what
 * was read has to be sent before.
 */
static uint64_t end_of_reading(struct MHD_Connection *connection)
{
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 "X-Prometheus-Scrape-Timeout-Seconds");
	double seconds = header ? strtod(header, NULL) : 0;

	return seconds > 0 && seconds < 1e6 ? now() + seconds * 0.6 * NSEC_PER_SEC : UINT64_MAX;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *text)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(strlen(text), (void *)text,
						   MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_metrics(struct MHD_Connection *connection)
{
	static const char *const content_types[] = {
		[TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	};
	enum format format = format_of(connection);
	struct MHD_Response *response;
	struct download *download;
	enum MHD_Result result;

	if (nr_scrapes++ >= MAX_SCRAPES) {
		nr_scrapes--;
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "Too many scrapes at a time.\n");
	}
	download = must(calloc(1, sizeof(*download)));
	download->scrape = scrape_begin(format, end_of_reading(connection));
	download->until = now() + options.timeout + SEND_TIME;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, MAX_CHUNK, fill, download,
						     finish);
	if (!response) {
		finish(download);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", content_types[format]);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_size, void **state)
{
	if (!*state) {
		/* the headers have arrived, and the answer has to wait for the next call */
		*state = connection;
		return MHD_YES;
	}
	if (*data_size) {
		*data_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
	if (!strcmp(url, "/metrics"))
		return answer_metrics(connection);
	if (!strcmp(url, "/"))
		return answer(connection, MHD_HTTP_OK, "Figures of cgroups: /metrics\n");
	return answer(connection, MHD_HTTP_NOT_FOUND, "Only /metrics is here.\n");
}

/* Split "[::1]:9778", "127.0.0.1:9778", or ":9778" or "9778", which are on the loopback, too. */
static void split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');

	*host = "127.0.0.1";
	*port = text;
	if (!colon)
		return;
	*colon = '\0';
	*port = colon + 1;
	if (colon > text)
		*host = text;
	if (*text == '[' && colon > text + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = text + 1;
	}
}

static int listen_on(const char *where)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	char *text = must(strdup(where)), *host, *port;
	struct addrinfo *info;
	int fd, err, on = 1;

	split(text, &host, &port);
	err = getaddrinfo(host, port, &hints, &info);
	errno = 0;
	if (err)
		die("--listen %s: %s: give an address and a port, such as 127.0.0.1:9778", where,
		    gai_strerror(err));
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, 16))
		die("--listen %s", where);
	freeaddrinfo(info);
	free(text);
	return fd;
}

static int listening_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || atoi(pid) != getpid())
		return listen_on(options.listen);
	errno = 0;
	if (atoi(fds) != 1)
		die("systemd has handed over %s sockets: it has to be one", fds);
	return SD_LISTEN_FD;
}

void serve(void)
{
	unsigned int idle = IDLE_SECONDS + options.timeout / NSEC_PER_SEC;
	struct MHD_Daemon *daemon;
	int number, fd = listening_socket();
	sigset_t set;

	/* for all threads, so that only this one gets them */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
				  MHD_USE_POLL, 0, NULL, NULL, handle, NULL,
				  MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MAX_CONNECTIONS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * MAX_CHUNK),
				  MHD_OPTION_CONNECTION_TIMEOUT, idle,
				  MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
				  MHD_OPTION_END);
	if (!daemon)
		die("libmicrohttpd can't start");
	sigwait(&set, &number);
	/* a reader that is stuck keeps the process, which must not keep the address */
	close(fd);
	/* without waiting for clients */
	exit(0);
}
