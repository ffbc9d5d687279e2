// A tunnel over hashicorp's yamux, as small as it can be: clients of the relay's port reach a service beside the device.
//
//	relay  LINK-ADDRESS ENTRANCE-ADDRESS WINDOW-KIB
//	device LINK-ADDRESS SERVICE-ADDRESS  WINDOW-KIB
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/hashicorp/yamux"
)

const bufferLength = 64 << 10

func main() {
	role, link, other := os.Args[1], os.Args[2], os.Args[3]
	window, err := strconv.Atoi(os.Args[4])
	check(err)
	config := yamux.DefaultConfig()
	config.MaxStreamWindowSize = uint32(window) << 10
	config.AcceptBacklog = 4096
	config.LogOutput = io.Discard
	if role == "relay" {
		relay(link, other, config)
	} else {
		device(link, other, config)
	}
}

func relay(link, entrance string, config *yamux.Config) {
	links, err := net.Listen("tcp", link)
	check(err)
	clients, err := net.Listen("tcp", entrance)
	check(err)
	fmt.Println("ready")
	connection, err := links.Accept()
	check(err)
	session, err := yamux.Client(connection, config)
	check(err)
	for {
		client, err := clients.Accept()
		check(err)
		go func() {
			stream, err := session.Open()
			if err != nil {
				client.Close()
				return
			}
			carry(client.(*net.TCPConn), stream)
		}()
	}
}

func device(link, service string, config *yamux.Config) {
	connection, err := net.Dial("tcp", link)
	check(err)
	session, err := yamux.Server(connection, config)
	check(err)
	for {
		stream, err := session.Accept()
		check(err)
		go func() {
			local, err := net.Dial("tcp", service)
			if err != nil {
				stream.Close()
				return
			}
			carry(local.(*net.TCPConn), stream)
		}()
	}
}

// Both ways, until either ends: a stream of yamux can be closed, but not be told that nobody reads it any more.
func carry(socket *net.TCPConn, stream net.Conn) {
	ended := make(chan struct{}, 2)
	pump := func(to io.Writer, from io.Reader) {
		// Without what would hide the buffer from io.CopyBuffer: the socket's own methods take smaller ones.
		io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, bufferLength))
		ended <- struct{}{}
	}
	go pump(stream, socket)
	go pump(socket, stream)
	<-ended
	stream.Close()
	socket.Close()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
