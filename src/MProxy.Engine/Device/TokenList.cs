namespace MProxy.Engine.Device;

/// <summary>The tokens of a link, in the order they are shown. One that the relay replaces is still known by what was given.</summary>
internal sealed class TokenList(IEnumerable<string> tokens)
{
    private readonly List<(string Given, string Token)> _tokens = [.. tokens.Select(token => (token, token))];

    public string[] All
    {
        get
        {
            lock (_tokens)
            {
                return [.. _tokens.Select(entry => entry.Token)];
            }
        }
    }

    /// <summary>Those of some tokens that are not here.</summary>
    public string[] Missing(IEnumerable<string> tokens)
    {
        lock (_tokens)
        {
            return [.. tokens.Distinct(StringComparer.Ordinal).Where(token => !Contains(token))];
        }
    }

    /// <summary>From now on there are exactly these.</summary>
    public void Set(IReadOnlyCollection<string> tokens)
    {
        lock (_tokens)
        {
            _tokens.RemoveAll(entry => !tokens.Contains(entry.Given) && !tokens.Contains(entry.Token));
            _tokens.AddRange(Missing(tokens).Select(token => (token, token)));
        }
    }

    /// <summary>The relay replaces the token that was shown last.</summary>
    public void ReplaceLast(string token)
    {
        lock (_tokens)
        {
            if (_tokens.Count > 0)
            {
                _tokens[^1] = (_tokens[^1].Given, token);
            }
            else
            {
                _tokens.Add((token, token));
            }
        }
    }

    /// <summary>Notes what a control command that the relay accepted has changed.</summary>
    public void Apply(string command, string token)
    {
        lock (_tokens)
        {
            switch (command)
            {
                case "add_token" or "auth" or "authn" or "authz" when !_tokens.Exists(entry => entry.Token == token):
                    _tokens.Add((token, token));
                    break;
                case "delete_token" when token == "*":
                    _tokens.Clear();
                    break;
                case "delete_token":
                    _tokens.RemoveAll(entry => entry.Token == token);
                    break;
                default:
                    break;
            }
        }
    }

    private bool Contains(string token) => _tokens.Exists(entry => entry.Given == token || entry.Token == token);
}
