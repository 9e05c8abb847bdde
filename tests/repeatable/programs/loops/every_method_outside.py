# expected: repeatable
"""Each method of a loop that reaches outside is refused by its name; the program catches and tells."""

import asyncio

from distbench import Algorithm, NondeterminismError, PeerId, distbench, handler


@distbench
class EveryMethodOutside(Algorithm):
    looked = 0

    def calls(self, loop):
        return {
            "add_reader": lambda: loop.add_reader(0, print),
            "add_writer": lambda: loop.add_writer(1, print),
            "sock_recv": lambda: loop.sock_recv(None, 1),
            "sock_recv_into": lambda: loop.sock_recv_into(None, bytearray(1)),
            "sock_recvfrom": lambda: loop.sock_recvfrom(None, 1),
            "sock_recvfrom_into": lambda: loop.sock_recvfrom_into(None, bytearray(1)),
            "sock_sendto": lambda: loop.sock_sendto(None, b"", ("127.0.0.1", 9)),
            "sock_sendall": lambda: loop.sock_sendall(None, b""),
            "sock_connect": lambda: loop.sock_connect(None, ("127.0.0.1", 9)),
            "sock_accept": lambda: loop.sock_accept(None),
            "sock_sendfile": lambda: loop.sock_sendfile(None, None),
            "sendfile": lambda: loop.sendfile(None, None),
            "start_tls": lambda: loop.start_tls(None, None, None),
            "getaddrinfo": lambda: loop.getaddrinfo("localhost", 80),
            "getnameinfo": lambda: loop.getnameinfo(("127.0.0.1", 80)),
            "add_signal_handler": lambda: loop.add_signal_handler(10, print),
            "connect_read_pipe": lambda: loop.connect_read_pipe(asyncio.Protocol, None),
            "connect_write_pipe": lambda: loop.connect_write_pipe(asyncio.Protocol, None),
            "create_datagram_endpoint": lambda: loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
            ),
            "create_unix_server": lambda: loop.create_unix_server(asyncio.Protocol, "/tmp/none"),
            "create_unix_connection": lambda: loop.create_unix_connection(asyncio.Protocol, "/tmp/none"),
            "create_connection": lambda: loop.create_connection(asyncio.Protocol, "127.0.0.1", 9),
            "create_server": lambda: loop.create_server(asyncio.Protocol, "127.0.0.1", 0),
            "connect_accepted_socket": lambda: loop.connect_accepted_socket(asyncio.Protocol, None),
            "subprocess_exec": lambda: loop.subprocess_exec(asyncio.SubprocessProtocol, "true"),
            "subprocess_shell": lambda: loop.subprocess_shell(asyncio.SubprocessProtocol, "true"),
            "run_in_executor": lambda: loop.run_in_executor(None, sum, [1]),
            "stop": lambda: loop.stop(),
        }

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        loop = asyncio.get_running_loop()
        for name, call in self.calls(loop).items():
            try:
                got = call()
                if asyncio.iscoroutine(got) or asyncio.isfuture(got):
                    await got
            except NondeterminismError as error:
                assert name in str(error), (name, str(error))
                await self.tell(name, error)
            else:
                raise AssertionError(f"loop.{name}() was not refused")

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
