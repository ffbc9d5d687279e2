@{
    Listen               = 'wss://[::]:8443'
    CertificatePath      = '/etc/mproxy/relay.pem'
    Secret               = @{ Path = '/etc/mproxy/secret' }
    PublicAddress        = '::'
    TlsPort              = 443
    HttpPort             = 80
    RedirectToHttps      = $true
    Limit                = @{ MaxClientsPerAddress = 500 }
    AccessLogPath        = '/var/log/mproxy-relay/access.log'
    MetricsAddress       = '127.0.0.1:9464'
}
