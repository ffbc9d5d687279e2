@{
    Relay       = 'wss://relay.example.com:8443'
    Token       = @{ Path = '/etc/mproxy/token' }
    Service     = @{ 'app.example.com' = '127.0.0.1:8080' }
    HealthCheck = @{ 'app.example.com' = 'http:/health' }
}
