# Stand-in for the Exchange remote endpoint, as a server's PowerShell sees it: the session cmdlets are here, the
# Exchange cmdlets exist only after Import-PSSession. It is as strict as the documentation, and refuses what is in
# doubt.

foreach ($part in 'State', 'Catalogue', 'Cmdlets', 'Rules', 'Components', 'Certificates') {
    . (Join-Path $PSScriptRoot "Exchange$part.ps1")
}

$Sessions = @{}
# The number of sessions that Exchange allows a user. A session counts until it is removed.
$SessionQuota = 18

# Returns the error of Windows for a session that is refused, or nothing.
function Get-SessionRefusal {
    [CmdletBinding()]
    param(
        $Bound,
        $Organisation,
        $Server
    )
    $uri = "$($Bound['ConnectionUri'])"
    $place = ([uri] $uri).Host
    $prefix = "[$place] Connecting to remote server $place failed with the following error message : "
    $reason = Get-RefusalReason -Uri $uri -Bound $Bound -Organisation $Organisation -Server $Server
    if ($reason) { $prefix + $reason }
}

function Get-RefusalReason {
    [CmdletBinding()]
    param(
        [string] $Uri,
        $Bound,
        $Organisation,
        $Server
    )
    if ("$($Bound['ConfigurationName'])" -ne 'Microsoft.Exchange') {
        return 'The WS-Management service cannot process the request. ' +
        "Cannot find the $($Bound['ConfigurationName']) session configuration."
    }
    if (-not $Server) {
        return 'WinRM cannot process the request. The following error with errorcode 0x80090322 occurred while using ' +
        'Kerberos authentication: An unknown security error occurred. Possible causes are: ' +
        'the Service Principal Name (SPN) for the remote computer name and port does not exist.'
    }
    if ($Uri -notmatch '^http://[^/]+/PowerShell/?$') {
        return 'The WinRM client cannot process the request. ' +
        'It cannot determine the content type of the HTTP response from the destination computer.'
    }
    if (Use-RefusedSession) {
        return 'The WinRM client received an HTTP server error status (503), ' +
        'but the remote service did not include any other information about the cause of the failure.'
    }
    if ("$($Bound['Authentication'])" -ne 'Kerberos') {
        return 'The WinRM client cannot process the request. ' +
        'The authentication mechanism requested by the client is not supported by the server.'
    }
    if ($Bound['Credential']) {
        if (-not (Test-Account $Organisation $Bound['Credential'])) {
            return 'Access is denied. For more information, see the about_Remote_Troubleshooting Help topic.'
        }
    } elseif ($env:EXCHANGE_STANDIN_LOGON -ne 'password') {
        return 'WinRM cannot process the request. The following error with errorcode 0x8009030e occurred while using ' +
        'Kerberos authentication: A specified logon session does not exist. It may already have been terminated.'
    }
    if (@($Organisation.sessions).Count -ge $SessionQuota) {
        return 'Fail to create a runspace because you have exceeded the maximum number of connections allowed : ' +
        "$SessionQuota for the policy party : MaxConcurrency."
    }
}

function Test-Account {
    [CmdletBinding()]
    param(
        $Organisation,
        [pscredential] $Credential
    )
    $account = $Organisation.accounts[$Credential.UserName.ToLowerInvariant()]
    if (-not $account) { return $false }
    $password = [System.Text.Encoding]::UTF8.GetBytes($Credential.GetNetworkCredential().Password)
    $salt = [Convert]::FromHexString($account.salt)
    $derive = [System.Security.Cryptography.Rfc2898DeriveBytes]
    [Convert]::ToHexString($derive::Pbkdf2($password, $salt, $account.iterations, 'SHA256', 32)) -eq $account.hash
}

# Has the parameters of Windows PowerShell 4.0, most of which the cmdlet lacks on other systems.
function New-PSSessionOption {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'IdleTimeout')]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'NoMachineProfile')]
    param(
        [int] $OpenTimeout = 180000,
        [int] $OperationTimeout = 180000,
        [int] $CancelTimeout = 60000,
        [int] $IdleTimeout = -1,
        [switch] $NoMachineProfile
    )
    $option = New-Object System.Management.Automation.Remoting.PSSessionOption
    $option.OpenTimeout = [timespan]::FromMilliseconds($OpenTimeout)
    $option.OperationTimeout = [timespan]::FromMilliseconds($OperationTimeout)
    $option.CancelTimeout = [timespan]::FromMilliseconds($CancelTimeout)
    $option
}

function New-PSSession {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [uri] $ConnectionUri,

        [string] $ConfigurationName = 'Microsoft.PowerShell',

        [string] $Authentication = 'Default',

        [pscredential] $Credential,

        [System.Management.Automation.Remoting.PSSessionOption] $SessionOption,

        [switch] $AllowRedirection
    )
    $bound = @{} + $PSBoundParameters
    $bound['ConfigurationName'] = $ConfigurationName
    Add-Call 'New-PSSession' $bound
    $answer = Use-Lock 'organisation' {
        $organisation = Read-Organisation
        $server = Read-Servers $ConnectionUri.Host | Where-Object { $_.fqdn -eq $ConnectionUri.Host }
        $refusal = Get-SessionRefusal $bound $organisation $server
        if ($refusal) { return $refusal }
        $id = 1 + $Sessions.Count
        $organisation.sessions = @($organisation.sessions) + "$env:COMPUTERNAME/$PID/$id"
        Write-Organisation $organisation
        $session = [pscustomobject]@{
            Id                = $id
            Name              = "Session$id"
            ComputerName      = $ConnectionUri.Host
            State             = 'Opened'
            ConfigurationName = $ConfigurationName
            Availability      = 'Available'
            Version           = $server.version
            WebSite           = Get-WebSiteRestart
        }
        $session.PSObject.TypeNames.Insert(0, 'System.Management.Automation.Runspaces.PSSession')
        $session
    }
    if ($answer -is [string]) {
        $exception = New-Object System.Management.Automation.Remoting.PSRemotingTransportException $answer
        $record = @($exception, 'PSSessionOpenFailed', 'OpenError', $null)
        $PSCmdlet.WriteError((New-Object System.Management.Automation.ErrorRecord $record))
        return
    }
    $Sessions[$answer.Id] = $answer
    $answer
}

function Get-PSSession {
    [CmdletBinding()]
    param([int[]] $Id)
    $Sessions.Values | Where-Object { $_.State -eq 'Opened' -and (-not $Id -or $_.Id -in $Id) }
}

function Remove-PSSession {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline)]
        [object[]] $Session
    )
    process {
        foreach ($one in $Session) {
            $one.State = 'Closed'
            Add-Call 'Remove-PSSession' @{}
            Use-Lock 'organisation' {
                $organisation = Read-Organisation
                $removed = "$env:COMPUTERNAME/$PID/$($one.Id)"
                $organisation.sessions = @($organisation.sessions | Where-Object { $_ -ne $removed })
                Write-Organisation $organisation
            }
        }
    }
}

# Runs a single command without variables, which is all that the endpoint allows.
function Invoke-Command {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Session,

        [Parameter(Mandatory)]
        [scriptblock] $ScriptBlock
    )
    $commands = @($ScriptBlock.Ast.EndBlock.Statements | ForEach-Object {
            if ($_.PSObject.Properties['PipelineElements']) { $_.PipelineElements } else { $_ }
        })
    $refused = @($ScriptBlock.Ast.FindAll({
                param($Node)
                $Node.GetType().Name -in 'VariableExpressionAst', 'ScriptBlockExpressionAst'
            }, $true))
    $isSingle = $commands.Count -eq 1 -and $commands[0] -is [System.Management.Automation.Language.CommandAst]
    if (-not $isSingle -or $refused.Count -gt 0) {
        $text = 'The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.'
        $exception = New-Object System.Management.Automation.RemoteException $text
        $record = @($exception, 'ScriptsNotAllowed', 'ParserError', $null)
        $PSCmdlet.WriteError((New-Object System.Management.Automation.ErrorRecord $record))
        return
    }
    $elements = @($commands[0].CommandElements)
    $module = New-ProxyModule $Session @($elements[0].Value)
    & $module ([scriptblock]::Create($commands[0].Extent.Text))
}

function New-ProxyModule {
    [CmdletBinding()]
    param(
        $Session,
        [string[]] $Cmdlet
    )
    $text = ($Cmdlet | ForEach-Object { Get-ProxyText $_ $Session.Id }) -join "`n"
    $body = [scriptblock]::Create("param(`$StandIn)`n$text")
    $name = "tmp_$([System.IO.Path]::GetRandomFileName())"
    New-Module -Name $name -ScriptBlock $body -ArgumentList $ExecutionContext.SessionState.Module
}

function Import-PSSession {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        $Session,

        [string[]] $CommandName = '*',

        [switch] $AllowClobber,

        [switch] $DisableNameChecking
    )
    if ($Session.State -ne 'Opened') { throw "The session $($Session.Name) is not open." }
    Add-Call 'Import-PSSession' $PSBoundParameters
    $organisation = Read-Organisation
    $offered = @(Get-OfferedCmdlet $Session.Version @($organisation.withheld))
    $wanted = @($offered | Where-Object {
            $name = $_
            @($CommandName | Where-Object { $name -like $_ }).Count -gt 0
        })
    $named = @($CommandName | Where-Object { -not [WildcardPattern]::ContainsWildcardCharacters($_) })
    foreach ($missing in @($named | Where-Object { $_ -notin $offered })) {
        Write-Error ('Running the Get-Command command in a remote session reported the following error: ' +
            "The term '$missing' is not recognized as the name of a cmdlet, function, script file, " +
            'or operable program.')
    }
    if (-not $AllowClobber) {
        $taken = @($wanted | Where-Object {
                Get-Command -Name $_ -CommandType Function, Cmdlet, Alias -ErrorAction Ignore
            })
        foreach ($name in $taken) {
            Write-Warning ("Proxy creation has been skipped for the '$name' command, because it would shadow an " +
                'existing local command. Use the AllowClobber parameter if you want to shadow existing local commands.')
        }
        $wanted = @($wanted | Where-Object { $_ -notin $taken })
    }
    if ($wanted.Count -eq 0) {
        throw 'No command proxies have been created, because all of the requested remote commands ' +
        'would shadow existing local commands or do not exist.'
    }
    Import-Module -ModuleInfo (New-ProxyModule $Session $wanted) -Global -PassThru -DisableNameChecking
}

Export-ModuleMember -Function @(
    'New-PSSessionOption'
    'New-PSSession'
    'Get-PSSession'
    'Remove-PSSession'
    'Invoke-Command'
    'Import-PSSession'
)
