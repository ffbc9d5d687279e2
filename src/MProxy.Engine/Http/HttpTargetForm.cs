namespace MProxy.Engine.Http;

/// <summary>The four forms of a request's target (RFC 9112, section 3.2).</summary>
internal enum HttpTargetForm
{
    /// <summary><c>/path?query</c>.</summary>
    Origin,

    /// <summary><c>http://host/path</c>, as a proxy is asked.</summary>
    Absolute,

    /// <summary><c>host:port</c>, of CONNECT alone.</summary>
    Authority,

    /// <summary><c>*</c>, of OPTIONS alone.</summary>
    Asterisk,
}
