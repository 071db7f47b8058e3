// PROGRAM.exe ARGS...: answers as the transcript PROGRAM.transcript beside it says, which was recorded from the real program.
//
//   > ARG<tab>ARG...      a call; an argument that is * alone stands for any one, a trailing *** for all that follow
//   = 1                   its exit code (0 when absent)
//   | text                a line of stdout; on stderr: ! text
//
// Of several calls with the same arguments the first that was not used yet answers, and the last one for ever. What was asked is noted in
// PROGRAM.calls, a line for each call that begins with the line number of its answer, 0 for a call that nobody recorded (exit code 99).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { LONGEST = 65536, MOST_LINES = 20000 };

static char *utf8(const wchar_t *wide) {
  int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = malloc(length);
  WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, length, NULL, NULL);
  return text;
}

static FILE *beside(const wchar_t *ending, const wchar_t *mode) {
  wchar_t path[MAX_PATH * 4];
  GetModuleFileNameW(NULL, path, MAX_PATH * 4 - 32);
  wchar_t *dot = wcsrchr(path, L'.');
  wcscpy(dot == NULL ? path + wcslen(path) : dot, ending);
  return _wfopen(path, mode);
}

static int matches(const char *pattern, int count, char **words) {
  char copy[LONGEST];
  snprintf(copy, sizeof copy, "%s", pattern);
  int at = 0;
  for (char *part = strtok(copy, "\t"); part != NULL; part = strtok(NULL, "\t"), at++) {
    if (strcmp(part, "***") == 0) return 1;
    if (at >= count) return 0;
    if (strcmp(part, "*") != 0 && strcmp(part, words[at]) != 0) return 0;
  }
  return at == count;
}

int wmain(int count, wchar_t **wide) {
  static char *lines[MOST_LINES];
  static char used[MOST_LINES];
  static char line[LONGEST];
  char **words = malloc(sizeof(char *) * count);
  for (int at = 1; at < count; at++) words[at - 1] = utf8(wide[at]);

  FILE *transcript = beside(L".transcript", L"rb");
  if (transcript == NULL) return 98;
  int length = 0;
  while (length < MOST_LINES && fgets(line, sizeof line, transcript) != NULL) {
    line[strcspn(line, "\r\n")] = '\0';
    lines[length++] = _strdup(line);
  }
  FILE *calls = beside(L".calls", L"rb");
  while (calls != NULL && fgets(line, sizeof line, calls) != NULL) {
    int number = atoi(line);
    if (number > 0 && number <= length) used[number - 1] = 1;
  }
  if (calls != NULL) fclose(calls);

  int answer = -1;
  for (int at = 0; at < length; at++) {
    if (strncmp(lines[at], "> ", 2) != 0 || !matches(lines[at] + 2, count - 1, words)) continue;
    answer = at;
    if (!used[at]) break;
  }
  calls = beside(L".calls", L"ab");
  if (calls != NULL) {
    fprintf(calls, "%d", answer + 1);
    for (int at = 0; at < count - 1; at++) fprintf(calls, "\t%s", words[at]);
    fprintf(calls, "\n");
    fclose(calls);
  }
  if (answer < 0) {
    fprintf(stderr, "replay: nobody recorded this call\n");
    return 99;
  }
  int code = 0;
  for (int at = answer + 1; at < length && strncmp(lines[at], "> ", 2) != 0; at++) {
    const char *text = lines[at];
    if (text[0] == '=') code = atoi(text + 1);
    if (text[0] == '|') printf("%s\n", strlen(text) > 1 ? text + 2 : "");
    if (text[0] == '!') fprintf(stderr, "%s\n", strlen(text) > 1 ? text + 2 : "");
  }
  return code;
}
