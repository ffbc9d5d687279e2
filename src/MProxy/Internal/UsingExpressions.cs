using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace MProxy.Internal;

/// <summary>The values of a script's $using: expressions, as they are where the script is given away.</summary>
internal static class UsingExpressions
{
    /// <summary>The values by the keys that the engine looks for.</summary>
    /// <param name="script">The script.</param>
    /// <param name="engine">Where its variables are.</param>
    /// <exception cref="FormatException">A variable is not set, or something else than a variable and its members is used.</exception>
    public static IReadOnlyDictionary<string, object?> Resolve(ScriptBlock script, EngineIntrinsics engine)
    {
        var values = new Dictionary<string, object?>();
        foreach (var expression in script.Ast.FindAll(ast => ast is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>())
        {
            values[Key(expression)] = Value(expression, engine);
        }

        return values;
    }

    /// <summary>As the engine makes it: the text of the expression, without regard to case where it is a variable alone.</summary>
    private static string Key(UsingExpressionAst expression)
    {
        var text = $"{expression}";
        return Convert.ToBase64String(Encoding.Unicode.GetBytes(expression.SubExpression is VariableExpressionAst ? text.ToLowerInvariant() : text));
    }

    private static object? Value(UsingExpressionAst expression, EngineIntrinsics engine)
    {
        var variable = (VariableExpressionAst)expression.SubExpression.Find(ast => ast is VariableExpressionAst, searchNestedScriptBlocks: false);
        if (variable is null || engine.SessionState.PSVariable.Get(variable.VariablePath.UserPath) is null)
        {
            throw new FormatException($"the script uses {expression}, and there is no such variable here.");
        }

        if (expression.SubExpression is VariableExpressionAst)
        {
            return engine.SessionState.PSVariable.GetValue(variable.VariablePath.UserPath);
        }

        // The parser allows members and indexes alone behind the variable, and no method.
        var (whole, part) = (expression.SubExpression.Extent, variable.Extent);
        var text = whole.Text[..(part.StartOffset - whole.StartOffset)] + $"${{{variable.VariablePath.UserPath}}}" + whole.Text[(part.EndOffset - whole.StartOffset)..];
        var result = engine.InvokeCommand.InvokeScript(useLocalScope: false, engine.InvokeCommand.NewScriptBlock(text), null, null);
        return result.Count == 1 ? result[0] : result;
    }
}
