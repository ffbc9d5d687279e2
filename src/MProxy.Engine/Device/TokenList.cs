namespace MProxy.Engine.Device;

/// <summary>The tokens that a link shows each time it connects.</summary>
internal sealed class TokenList(IEnumerable<string> tokens)
{
    private readonly List<string> _tokens = [.. tokens];

    public string[] All
    {
        get
        {
            lock (_tokens)
            {
                return [.. _tokens];
            }
        }
    }

    /// <summary>The relay replaces the token that was shown last.</summary>
    public void ReplaceLast(string token)
    {
        lock (_tokens)
        {
            if (_tokens.Count > 0)
            {
                _tokens.RemoveAt(_tokens.Count - 1);
            }

            _tokens.Add(token);
        }
    }

    /// <summary>Notes what a control command that the relay accepted has changed.</summary>
    public void Apply(string command, string token)
    {
        lock (_tokens)
        {
            switch (command)
            {
                case "add_token" or "auth" or "authn" or "authz" when !_tokens.Contains(token):
                    _tokens.Add(token);
                    break;
                case "delete_token" when token == "*":
                    _tokens.Clear();
                    break;
                case "delete_token":
                    _tokens.Remove(token);
                    break;
                default:
                    break;
            }
        }
    }
}
