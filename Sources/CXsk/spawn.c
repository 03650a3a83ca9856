#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Numbers that older headers lack; they are the same on all architectures (asm-generic/unistd.h). */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* Between fork() and exec: only what signal-safety(7) allows. */
static void become(const char *path, char *const *arguments, char *const *environment, int report)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	int code, null;

	setsid();
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDONLY);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	/* Descriptors of this process are all marked close-on-exec; somebody else's may not be. CLOSE_RANGE_CLOEXEC: 4. */
	syscall(SYS_close_range, 3, ~0u, 4u);
	execve(path, arguments, environment);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

int cxsk_spawn_session(const char *path, char *const *arguments, char *const *environment)
{
	int report[2], code = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(path, arguments, environment, report[1]);
	code = pid < 0 ? errno : 0;
	close(report[1]);
	/* Nothing comes if exec went well: the pipe was closed by it. */
	if (pid > 0 && read(report[0], &code, sizeof(code)) == (ssize_t)sizeof(code))
		waitpid(pid, NULL, 0);
	close(report[0]);
	return code ? -code : pid;
}

int cxsk_process_open(pid_t pid)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);

	return process < 0 ? -errno : process;
}

int cxsk_process_signal(int process, int signal)
{
	return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) ? -errno : 0;
}
