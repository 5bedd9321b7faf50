// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's ciphers and hashes, from user space. */
#include "exercise.h"

#include <linux/if_alg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int algorithm(const char *type, const char *name, const char *key, size_t size)
{
	struct sockaddr_alg address = {.salg_family = AF_ALG};
	int parent = socket(AF_ALG, SOCK_SEQPACKET, 0), operation = -1;

	NEEDED(parent >= 0);
	strcpy((char *)address.salg_type, type);
	strcpy((char *)address.salg_name, name);
	if (bind(parent, (struct sockaddr *)&address, sizeof(address)) == 0) {
		if (key)
			NEEDED(setsockopt(parent, SOL_ALG, ALG_SET_KEY, key, (socklen_t)size) == 0);
		operation = accept(parent, NULL, NULL);
		NEEDED(operation >= 0);
	}
	close(parent);
	return operation;
}

static void hash(const char *name)
{
	int operation = algorithm("hash", name, NULL, 0);
	char data[10000] = "data", digest[64];

	if (operation < 0)
		return;
	NEEDED(send(operation, data, sizeof(data), MSG_MORE) == sizeof(data));
	NEEDED(send(operation, data, 100, 0) == 100);
	NEEDED(recv(operation, digest, sizeof(digest), 0) > 0);
	close(operation);
}

/* Encrypts 64 bytes, of which so many are only authenticated. */
static void cipher(const char *type, const char *name, const char *key, size_t size, unsigned int associated)
{
	char control[CMSG_SPACE(4) + CMSG_SPACE(20) + CMSG_SPACE(4)] = "", data[128] = "plain", out[256];
	struct iovec part = {data, 64};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	unsigned int encrypt = ALG_OP_ENCRYPT, iv = strcmp(name, "gcm(aes)") == 0 ? 12 : 16;
	int operation = algorithm(type, name, key, size);

	if (operation < 0)
		return;
	*head = (struct cmsghdr){CMSG_LEN(4), SOL_ALG, ALG_SET_OP};
	memcpy(CMSG_DATA(head), &encrypt, 4);
	head = CMSG_NXTHDR(&message, head);
	*head = (struct cmsghdr){CMSG_LEN(20), SOL_ALG, ALG_SET_IV};
	memcpy(CMSG_DATA(head), &iv, 4);
	head = (struct cmsghdr *)(control + CMSG_SPACE(4) + CMSG_SPACE(20));
	*head = (struct cmsghdr){CMSG_LEN(4), SOL_ALG, ALG_SET_AEAD_ASSOCLEN};
	memcpy(CMSG_DATA(head), &associated, 4);
	NEEDED(sendmsg(operation, &message, 0) == 64);
	TRIED(recv(operation, out, 64 + 16 * (associated != 0), 0));
	close(operation);
}

void use_crypto(char **arguments)
{
	const char *hashes[] = {"md5", "sha1", "sha256", "sha512", "crc32c", "sha3-256", "pcrypt(sha256)"};
	static const char authenc[] = "\x08\x00\x01\x00\x00\x00\x00\x10"
				      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				      "kkkkkkkkkkkkkkkk";

	(void)arguments;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		hash(hashes[i]);
	cipher("skcipher", "cbc(aes)", "kkkkkkkkkkkkkkkk", 16, 0);
	cipher("skcipher", "ctr(aes)", "kkkkkkkkkkkkkkkk", 16, 0);
	cipher("aead", "gcm(aes)", "kkkkkkkkkkkkkkkk", 16, 16);
	cipher("aead", "authenc(hmac(sha256),cbc(aes))", authenc, sizeof(authenc) - 1, 16);
	cipher("aead", "authencesn(hmac(sha256),cbc(aes))", authenc, sizeof(authenc) - 1, 16);
	cipher("aead", "pcrypt(authenc(hmac(sha256),cbc(aes)))", authenc, sizeof(authenc) - 1, 16);
}
